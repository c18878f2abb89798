"""What every feature store must do, as steps, programs and the command line use it."""

import pickle
from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stackfold.application.ports import FeatureStore
from stackfold.application.running_step import running_step
from stackfold.application.runs.context import StepMetadata
from stackfold.domain.errors import FeatureStoreUnavailable, InvalidFeatures
from stackfold.testing.contracts import not_given

NOW = datetime.now(UTC).replace(microsecond=0)
"""The time that the values below refer to."""
SPENT = ((1, 5, 10.0), (1, 3, 20.0), (1, 1, 30.0), (2, 40, 40.0), (2, 2, 50.0))
"""Values of "spending:spent": the customer, hours before `NOW`, and the value."""
VISITS = ((1, 4, 7), (2, 1, 8))
"""Values of "visiting:visits", which can always be used."""
DAY = timedelta(days=1)
"""The time to live of the view "spending"."""


def ago(hours: float) -> datetime:
    """The time that is some hours before `NOW`.

    Args:
        hours: The number of hours.
    """
    return NOW - timedelta(hours=hours)


class _Record:
    """The record of a running step."""

    def __init__(self) -> None:
        self.metadata = StepMetadata()

    def log_metadata(self, metadata: Any) -> None:
        """Record it."""
        self.metadata.metadata |= metadata


class FeatureStoreContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    `store` has two views of customers, who are identified by `customer`: "spending" with the
    feature "spent", which can be used for a day, and "visiting" with the feature "visits", which
    can always be used; the values are `SPENT` and `VISITS`. The feature service "churn" has both
    features. Nothing is materialized. Each test gets a new store.
    """

    @pytest.fixture
    def store(self) -> FeatureStore:
        """The feature store."""
        raise NotImplementedError("override the fixture 'store'")

    @pytest.fixture
    def unreachable(self) -> FeatureStore:
        """A feature store that cannot be used."""
        not_given("unreachable", "what happens while the feature store is unavailable")

    @abstractmethod
    def change(self, store: FeatureStore) -> None:
        """Let the values of "spending" be used for two days.

        Args:
            store: The feature store.
        """
        not_given("change", "whether a change of the definitions changes their version")

    def frame(self, *rows: tuple[int, float]) -> Any:
        """A frame of entities.

        Args:
            *rows: A customer, and how many hours before `NOW`.
        """
        import pandas

        return pandas.DataFrame(
            {
                "customer": [customer for customer, _ in rows],
                "event_timestamp": [ago(hours) for _, hours in rows],
                "label": [*range(len(rows))],
            },
            index=[*range(len(rows), 0, -1)],
        )

    def test_it_describes_its_views_and_services(self, store: FeatureStore) -> None:
        spending, visiting = store.feature_views()
        assert (spending.name, visiting.name) == ("spending", "visiting")
        assert list(spending.entities) == list(visiting.entities) == ["customer"]
        assert (list(spending.features), list(visiting.features)) == (["spent"], ["visits"])
        assert (spending.ttl, visiting.ttl) == (DAY.total_seconds(), None)
        assert spending.online
        assert spending.materialized is None
        assert {name: list(each) for name, each in store.feature_services().items()} == {
            "churn": ["spending:spent", "visiting:visits"]
        }

    def test_a_value_after_the_time_of_a_row_is_not_used(self, store: FeatureStore) -> None:
        entities = self.frame((1, 0), (1, 2), (1, 4), (1, 6))
        found = store.training_frame(entities, ["spending:spent"])
        assert found["spent"].tolist()[:3] == [30.0, 20.0, 10.0]
        assert found["spent"].isna().tolist() == [False, False, False, True]

    def test_a_value_at_the_time_of_a_row_is_used(self, store: FeatureStore) -> None:
        found = store.training_frame(self.frame((1, 3)), ["spending:spent"])
        assert found["spent"].tolist() == [20.0]

    def test_a_value_that_is_too_old_is_not_used(self, store: FeatureStore) -> None:
        found = store.training_frame(self.frame((2, 10), (2, 20)), ["spending:spent"])
        assert found["spent"].isna().tolist() == [True, False]

    def test_each_row_stays_in_its_place(self, store: FeatureStore) -> None:
        entities = self.frame((2, 0), (1, 6), (9, 0), (1, 0), (2, 0))
        before = entities.copy()
        found = store.training_frame(entities, ["spending:spent", "visiting:visits"])
        assert entities.equals(before)
        assert found[list(before.columns)].equals(before)
        assert list(found.columns) == [*before.columns, "spent", "visits"]
        assert found["spent"].fillna(-1).tolist() == [50.0, -1, -1, 30.0, 50.0]
        # Customer 1 had no value of one view then, and had one of the other view only later.
        assert found["visits"].fillna(-1).tolist() == [8, -1, -1, 7, 8]

    def test_a_missing_value_of_one_view_leaves_those_of_others(self, store: FeatureStore) -> None:
        features = ["visiting:visits", "spending:spent"]
        found = store.training_frame(self.frame((2, 1.5)), features)
        assert found["spent"].tolist() == [50.0]
        assert found["visits"].isna().all()

    def test_a_service_names_its_features(self, store: FeatureStore) -> None:
        entities = self.frame((1, 0), (2, 0))
        by_name = store.training_frame(entities, "churn")
        assert by_name.equals(store.training_frame(entities, ["spending:spent", "visiting:visits"]))

    def test_a_frame_without_rows_gets_the_columns(self, store: FeatureStore) -> None:
        found = store.training_frame(self.frame((1, 0)).iloc[:0], "churn")
        assert len(found) == 0
        assert {"spent", "visits"} <= {*found.columns}

    def test_times_without_a_zone_are_utc(self, store: FeatureStore) -> None:
        entities = self.frame((1, 2), (1, 4))
        entities["event_timestamp"] = entities["event_timestamp"].dt.tz_localize(None)
        found = store.training_frame(entities, ["spending:spent"])
        assert found["spent"].tolist() == [20.0, 10.0]

    def test_times_of_another_zone_are_converted(self, store: FeatureStore) -> None:
        entities = self.frame((1, 2), (1, 4))
        entities["event_timestamp"] = entities["event_timestamp"].dt.tz_convert("Asia/Tokyo")
        found = store.training_frame(entities, ["spending:spent"])
        assert found["spent"].tolist() == [20.0, 10.0]

    @pytest.mark.parametrize(
        ("features", "problem"),
        [
            (["spent"], "'spent' is no feature: write it as view:feature"),
            (["nothing:spent"], "nothing"),
            (["spending:nothing"], "nothing"),
            ("nothing", "nothing"),
            ([], "no feature is named"),
        ],
    )
    def test_what_does_not_exist_is_named(
        self, store: FeatureStore, features: Any, problem: str
    ) -> None:
        with pytest.raises(InvalidFeatures, match=problem):
            store.training_frame(self.frame((1, 0)), features)
        with pytest.raises(InvalidFeatures, match=problem):
            store.online_features([{"customer": 1}], features)

    @pytest.mark.parametrize("column", ["event_timestamp", "customer"])
    def test_a_missing_column_is_named(self, store: FeatureStore, column: str) -> None:
        with pytest.raises(InvalidFeatures, match=column):
            store.training_frame(self.frame((1, 0)).drop(columns=column), ["spending:spent"])

    def test_times_must_be_times(self, store: FeatureStore) -> None:
        entities = self.frame((1, 0), (1, 1))
        with pytest.raises(InvalidFeatures, match="no times"):
            store.training_frame(entities.assign(event_timestamp="noon"), "churn")
        entities.loc[1, "event_timestamp"] = None
        with pytest.raises(InvalidFeatures, match="rows without a time"):
            store.training_frame(entities, "churn")

    def test_the_newest_values_are_materialized(self, store: FeatureStore) -> None:
        done = store.materialize(NOW)
        assert {each.view for each in done} == {"spending", "visiting"}
        assert all(each.until == NOW for each in done)
        found = store.online_features([{"customer": 2}, {"customer": 1}], "churn")
        assert found == [
            {"customer": 2, "spent": 50.0, "visits": 8},
            {"customer": 1, "spent": 30.0, "visits": 7},
        ]
        assert {each.materialized for each in store.feature_views()} == {NOW}

    def test_an_unknown_entity_has_no_values(self, store: FeatureStore) -> None:
        store.materialize(NOW)
        found = store.online_features([{"customer": 9}, {"customer": 1}], ["visiting:visits"])
        assert found == [{"customer": 9, "visits": None}, {"customer": 1, "visits": 7}]
        assert store.online_features([], ["visiting:visits"]) == []

    def test_materializing_goes_on_where_it_ended(self, store: FeatureStore) -> None:
        store.materialize(ago(3.5))
        assert store.online_features([{"customer": 1}], "churn")[0]["spent"] == 10.0
        done = store.materialize(NOW, views=["spending"])
        assert [(each.view, each.since) for each in done] == [("spending", ago(3.5))]
        assert store.online_features([{"customer": 1}], "churn")[0]["spent"] == 30.0
        assert list(store.materialize(NOW, views=["spending"])) == []

    def test_a_value_that_is_too_old_is_not_served(self, store: FeatureStore) -> None:
        store.materialize(ago(39), since=ago(41))
        found = store.online_features([{"customer": 2}], ["spending:spent"])
        assert found == [{"customer": 2, "spent": None}]

    def test_what_to_materialize_must_exist(self, store: FeatureStore) -> None:
        with pytest.raises(InvalidFeatures, match="nothing"):
            store.materialize(NOW, views=["nothing"])
        with pytest.raises(InvalidFeatures, match="time zone"):
            store.materialize(NOW.replace(tzinfo=None))
        with pytest.raises(InvalidFeatures, match="in order"):
            store.materialize(ago(2), since=ago(1))

    def test_entities_must_be_identified(self, store: FeatureStore) -> None:
        store.materialize(NOW)
        with pytest.raises(InvalidFeatures, match="customer"):
            store.online_features([{"name": 1}], ["spending:spent"])
        with pytest.raises(InvalidFeatures, match="same names"):
            store.online_features([{"customer": 1}, {"name": 1}], ["spending:spent"])

    def test_the_version_is_that_of_the_definitions(self, store: FeatureStore) -> None:
        before = store.definitions_version()
        assert before
        store.materialize(NOW)
        assert store.definitions_version() == before
        self.change(store)
        assert store.definitions_version() != before

    def test_a_change_of_the_definitions_is_effective_at_once(self, store: FeatureStore) -> None:
        entities = self.frame((2, 10))
        assert store.training_frame(entities, ["spending:spent"])["spent"].isna().all()
        self.change(store)
        found = store.training_frame(entities, ["spending:spent"])
        assert found["spent"].tolist() == [40.0]

    def test_a_step_records_what_it_reads(self, store: FeatureStore) -> None:
        record = _Record()
        token = running_step.set(record)
        try:
            store.training_frame(self.frame((1, 0)), ["spending:spent"])
            store.materialize(NOW)
            store.online_features([{"customer": 1}], "churn")
        finally:
            running_step.reset(token)
        assert record.metadata.metadata == {
            "feature_definitions": store.definitions_version(),
            "features": ["spending:spent", "churn"],
        }

    def test_it_can_be_sent_to_another_process(self, store: FeatureStore) -> None:
        store.feature_views()
        again = pickle.loads(pickle.dumps(store))
        assert again.definitions_version() == store.definitions_version()

    def test_its_connection_is_checked(
        self, store: FeatureStore, unreachable: FeatureStore
    ) -> None:
        store.check_connection()
        with pytest.raises(FeatureStoreUnavailable) as error:
            unreachable.check_connection()
        assert "\n" not in str(error.value)
        with pytest.raises(FeatureStoreUnavailable):
            unreachable.training_frame(self.frame((1, 0)), "churn")
