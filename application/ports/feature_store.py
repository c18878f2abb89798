"""The port of feature stores: features for training, as of a time, and for predictions."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.application.running_step import running_step
from stackfold.domain.errors import InvalidFeatures
from stackfold.domain.stacks.component_type import ComponentType

DataFrame: TypeAlias = Any
"""A frame of pandas, which is not imported here."""
TIMESTAMP = "event_timestamp"
"""The column of a frame of entities with the time as of which features are read."""
VERSION, FEATURES = "feature_definitions", "features"
"""The names of the metadata that a step which reads features gets."""

Features = Sequence[str] | str
"""Features as "view:feature", or the name of a feature service."""


class FeatureView(NamedTuple):
    """A group of features of the same entities, from the same source."""

    name: str
    entities: Sequence[str]
    """The columns that identify an entity, such as "customer_id"."""
    features: Mapping[str, str]
    """Feature → its type."""
    source: str
    """Where its values come from."""
    ttl: float | None
    """Seconds for which a value can be used; None without a limit."""
    online: bool
    """Whether it can be materialized."""
    materialized: datetime | None
    """The time up to which it was materialized; None if it never was."""


class Materialized(NamedTuple):
    """What was loaded into the online store."""

    view: str
    since: datetime
    until: datetime


class FeatureStore(StackComponent[ConfigurationT]):
    """Serves features for training and prediction.

    A flavor implements the abstract methods. In a step, the other ones also record which features
    were read, and the version of their definitions, as metadata of the step.
    """

    component_type = ComponentType.FEATURE_STORE

    def training_frame(self, entities: DataFrame, features: Features) -> DataFrame:
        """Return the frame of entities with features as they were known at the time of each row.

        A value is never newer than the `event_timestamp` of its row, nor older than the time to
        live of its view. Without such a value, the feature is missing (None or NaN).

        Args:
            entities: A frame with the column `event_timestamp` and the columns that identify
                entities; others are kept. Times without a time zone are UTC.
            features: Features as "view:feature", or the name of a feature service.

        Returns:
            A new frame with the rows and the index of `entities`, in the same order, and a column
            for each feature.

        Raises:
            InvalidFeatures: The frame lacks a column or a time, or a feature does not exist.
            FeatureStoreUnavailable: The feature store cannot be used.
        """
        problem = _problem_of(entities)
        if problem:
            raise InvalidFeatures(problem)
        wanted = _checked(features)
        with self._recorded(wanted):
            return self.read_training_frame(entities, wanted)

    def online_features(
        self, entities: Sequence[Mapping[str, Any]], features: Features
    ) -> list[dict[str, Any]]:
        """Return the latest materialized features of entities, for a prediction.

        Args:
            entities: For each entity the values that identify it, such as `{"customer_id": 7}`.
            features: Features as "view:feature", or the name of a feature service.

        Returns:
            For each entity, in the same order: what identifies it, and feature → its value. The
            value is None for an unknown entity, and if the time to live of its view is over.

        Raises:
            InvalidFeatures: A value that identifies entities is missing, or a feature does not
                exist.
            FeatureStoreUnavailable: The feature store cannot be used.
        """
        wanted = _checked(features)
        rows = [dict(each) for each in entities]
        if any(row.keys() != rows[0].keys() for row in rows):
            raise InvalidFeatures("the entities are not identified by the same names")
        with self._recorded(wanted):
            return self.read_online(rows, wanted) if rows else []

    def materialize(
        self,
        until: datetime | None = None,
        since: datetime | None = None,
        views: Sequence[str] | None = None,
    ) -> Sequence[Materialized]:
        """Load feature values into the online store; may be repeated.

        Args:
            until: The newest time of values to load, with a time zone; None for now.
            since: The oldest time; None for that up to which each view was materialized, and for
                all values that can be used if it never was.
            views: The feature views; None for all that can be materialized.

        Raises:
            InvalidFeatures: A view does not exist or cannot be materialized, or a time is invalid.
            FeatureStoreUnavailable: The feature store cannot be used. What was materialized before
                stays.
        """
        until = until or datetime.now(UTC)
        if until.tzinfo is None or (since is not None and since.tzinfo is None):
            raise InvalidFeatures("the times to materialize need a time zone")
        if since is not None and since >= until:
            raise InvalidFeatures("the times to materialize must be in order")
        return self.load_online(since, until, views)

    @abstractmethod
    def feature_views(self) -> Sequence[FeatureView]:
        """Return the feature views, by name.

        Raises:
            FeatureStoreUnavailable: The feature store cannot be used.
        """

    @abstractmethod
    def feature_services(self) -> Mapping[str, Sequence[str]]:
        """Return the feature services: name → features as "view:feature".

        Raises:
            FeatureStoreUnavailable: The feature store cannot be used.
        """

    @abstractmethod
    def definitions_version(self) -> str:
        """Return a digest of the current definitions; other values or times do not change it.

        Raises:
            FeatureStoreUnavailable: The feature store cannot be used.
        """

    # -- called by the methods above, with valid arguments

    @abstractmethod
    def read_training_frame(self, entities: DataFrame, features: Features) -> DataFrame:
        """See `training_frame`; must not change `entities`."""

    @abstractmethod
    def read_online(
        self, entities: Sequence[Mapping[str, Any]], features: Features
    ) -> list[dict[str, Any]]:
        """See `online_features`; at least one entity, all identified by the same names."""

    @abstractmethod
    def load_online(
        self, since: datetime | None, until: datetime, views: Sequence[str] | None
    ) -> Sequence[Materialized]:
        """See `materialize`; times have a time zone, and `since` is before `until`."""

    # -- private

    @contextmanager
    def _recorded(self, features: Features) -> Iterator[None]:
        """Record in the running step, if there is one, what it reads."""
        step = running_step.get()
        if step is None:
            yield
            return
        before = self.definitions_version()
        yield
        if self.definitions_version() != before:
            raise InvalidFeatures("the definitions were changed while they were read: try again")
        names = [features] if isinstance(features, str) else list(features)
        earlier = step.metadata.metadata.get(FEATURES, [])
        step.log_metadata({VERSION: before, FEATURES: [*dict.fromkeys([*earlier, *names])]})


def _checked(features: Features) -> Features:
    if isinstance(features, str):
        wanted: Features = features.strip()
    else:
        wanted = [*dict.fromkeys(map(str, features))]
        for each in wanted:
            view, _, feature = each.partition(":")
            if not view or not feature:
                raise InvalidFeatures(f"{each!r:.100} is no feature: write it as view:feature")
    if not wanted:
        raise InvalidFeatures("no feature is named")
    return wanted


def _problem_of(entities: DataFrame) -> str:
    columns = getattr(entities, "columns", None)
    if columns is None:
        return f"the entities must be a pandas frame, not {type(entities).__name__}"
    if not columns.is_unique:
        return "the frame of entities has two columns of one name"
    if TIMESTAMP not in columns:
        return f"the frame of entities has no column {TIMESTAMP!r}"
    times = entities[TIMESTAMP]
    if times.dtype.kind != "M":
        return f"the column {TIMESTAMP!r} contains {times.dtype}, and no times: convert it"
    return f"the column {TIMESTAMP!r} has rows without a time" if times.isna().any() else ""
