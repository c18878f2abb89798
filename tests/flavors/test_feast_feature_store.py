"""The feature store `feast`: the contract on real Feast, and what it must not execute."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from feast_repository import SETTINGS, apply, create

from stackfold.domain.errors import FeatureStoreUnavailable, InvalidFeatures
from stackfold.infrastructure.flavors.feast.feature_store import FeastFeatureStore
from stackfold.testing.contracts.feature_store import NOW, FeatureStoreContract

pytestmark = pytest.mark.filterwarnings("ignore")


def feature_store(folder, **options):
    configuration = FeastFeatureStore.Configuration(path=str(folder), **options)
    return FeastFeatureStore(configuration, folder.parent)


@pytest.fixture(scope="module")
def created(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feast") / "features"
    create(folder)
    return folder


@pytest.fixture
def folder(created, tmp_path):
    return shutil.copytree(created, tmp_path / "features")


class TestFeast(FeatureStoreContract):
    @pytest.fixture
    def store(self, folder):
        return feature_store(folder)

    @pytest.fixture
    def unreachable(self, tmp_path):
        return feature_store(tmp_path / "nothing")

    def change(self, store):
        apply(store._folder, days=2)


def test_a_name_that_two_views_share_is_rejected_unless_names_are_full(folder):
    entities = TestFeast().frame((1, 0)).assign(spent=1)
    with pytest.raises(InvalidFeatures, match="'spent' is taken"):
        feature_store(folder).training_frame(entities, "churn")
    found = feature_store(folder, full_feature_names=True).training_frame(entities, "churn")
    assert found["spending__spent"].tolist() == [30.0]


def doubled(spending):
    """An on-demand view: its function is pickled into the registry."""
    import pandas
    from feast import Field
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.types import Float64

    @on_demand_feature_view(sources=[spending], schema=[Field(name="double", dtype=Float64)])
    def doubling(inputs: pandas.DataFrame) -> pandas.DataFrame:
        import pathlib

        pathlib.Path("executed").touch()
        return pandas.DataFrame({"double": inputs["spent"] * 2})

    return doubling


def scaled(spending):
    """An on-demand view that computes with a column of the entities, too."""
    import pandas
    from feast import Field, RequestSource
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.types import Float64

    factor = RequestSource(name="given", schema=[Field(name="factor", dtype=Float64)])

    @on_demand_feature_view(
        sources=[spending, factor], schema=[Field(name="scaled", dtype=Float64)]
    )
    def scaling(inputs: pandas.DataFrame) -> pandas.DataFrame:
        return pandas.DataFrame({"scaled": inputs["spent"] * inputs["factor"]})

    return scaling


def test_an_on_demand_view_computes_with_each_row(folder):
    apply(folder, more=[scaled])
    store = feature_store(folder, allow_code=True)
    entities = (
        TestFeast().frame((1, 2), (1, 2), (1, 99), (1, 2)).assign(factor=[1.0, 2.0, 3.0, 2.0])
    )
    found = store.training_frame(entities, ["scaling:scaled"])
    assert found["scaled"].fillna(-1).tolist() == [20.0, 40.0, -1.0, 40.0]
    with pytest.raises(InvalidFeatures, match="'factor', which view 'scaling' uses"):
        store.training_frame(entities.drop(columns="factor"), ["scaling:scaled"])


def test_functions_in_a_registry_are_executed_only_if_that_is_allowed(folder, monkeypatch):
    apply(folder, more=[doubled])
    executed = folder / "executed"
    executed.unlink(missing_ok=True)
    monkeypatch.chdir(folder)
    entities = TestFeast().frame((1, 2), (1, 2), (1, 99))
    with pytest.raises(FeatureStoreUnavailable, match="doubling contains functions: set allow"):
        feature_store(folder).training_frame(entities, ["spending:spent"])
    assert not executed.exists()
    allowed = feature_store(folder, allow_code=True)
    found = allowed.training_frame(entities, ["doubling:double", "spending:spent"])
    assert found["double"].fillna(-1).tolist() == [40.0, 40.0, -1.0]
    assert executed.exists()


@pytest.mark.parametrize(
    "line",
    [
        "provider: evil.Provider",
        "online_store: evil.EvilOnlineStore",
        "offline_store: {type: evil.EvilOfflineStore}",
        "batch_engine: {type: evil.EvilEngine}",
        "registry: {path: registry.db, registry_store_type: evil.Store}",
        "registry: s3://bucket/registry.db",
        "registry: {registry_type: sql, path: sqlite:///registry.db}",
    ],
)
def test_settings_import_no_class_and_open_no_other_registry(folder, line, monkeypatch):
    (folder / "evil.py").write_text("open('executed', 'w')")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)
    settings = SETTINGS.splitlines(keepends=True)
    key = line.partition(":")[0]
    kept = "".join(each for each in settings if not each.startswith((key, " ")))
    (folder / "feature_store.yaml").write_text(
        kept.replace("online_store:\n", "").replace("offline_store:\n", "") + line + "\n"
    )
    with pytest.raises(FeatureStoreUnavailable, match="set allow_code"):
        feature_store(folder).feature_views()
    assert not (folder / "executed").exists()


def test_definitions_are_not_executed(folder):
    (folder / "features.py").write_text("raise SystemExit")
    (folder / "feature_store.py").write_text("raise SystemExit")
    assert len(feature_store(folder).feature_views()) == 2


@pytest.mark.parametrize("name", ["feature_store.yaml", "registry.db", ""])
def test_files_that_others_may_write_are_not_read(folder, name, monkeypatch):
    path = folder / name
    path.chmod(path.stat().st_mode | 0o002)
    store = feature_store(folder)
    with pytest.raises(FeatureStoreUnavailable, match="others may write it: set STACKFOLD_TRUST"):
        store.feature_views()
    monkeypatch.setenv("STACKFOLD_TRUST", str(folder))
    assert len(store.feature_views()) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
@pytest.mark.parametrize("name", ["feature_store.yaml", "registry.db", ""])
def test_files_of_others_are_not_read(folder, name):
    os.chown(folder / name, 12345, 12345)
    with pytest.raises(FeatureStoreUnavailable, match="belongs to the user"):
        feature_store(folder).feature_views()


def test_a_link_to_files_of_others_is_not_followed(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir(mode=0o777)
    other.chmod(0o777)
    (folder / "registry.db").rename(other / "registry.db")
    (folder / "registry.db").symlink_to(other / "registry.db")
    with pytest.raises(FeatureStoreUnavailable, match="others may write it"):
        feature_store(folder).feature_views()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "contains no settings"),
        ("- a\n", "contains no settings"),
        ("project: [", "cannot be read"),
        ("project: shop\n", "has no 'registry'"),
        ("registry: registry.db\n", "has no 'project'"),
        ("project: shop\nregistry: nothing.db\n", "run `feast apply`"),
        ("project: shop\nregistry: feature_store.yaml\n", "its registry is damaged"),
        ("project: shop\nregistry: registry.db\nonline_store: {type: nothing}\n", "cannot be used"),
        ("#" * (2**20 + 1), "is larger than"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_invalid_settings_are_one_line(folder, content, problem):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "feature_store.yaml").write_bytes(data)
    with pytest.raises(FeatureStoreUnavailable, match=problem) as error:
        feature_store(folder).feature_views()
    assert "\n" not in str(error.value)


def test_a_registry_that_is_being_written_is_read_again(folder):
    path = folder / "registry.db"
    complete = path.read_bytes()
    path.write_bytes(complete[:-7])
    timer = threading.Timer(0.5, path.write_bytes, [complete])
    timer.start()
    assert len(feature_store(folder).feature_views()) == 2
    timer.join()


def test_missing_values_are_one_line(folder):
    (folder / "spending.parquet").unlink()
    with pytest.raises(FeatureStoreUnavailable, match=r"spending.parquet") as error:
        feature_store(folder).training_frame(TestFeast().frame((1, 0)), "churn")
    assert "\n" not in str(error.value)


def test_an_interrupted_materialization_is_continued(folder, monkeypatch, capsys):
    from feast.infra.online_stores.sqlite import SqliteOnlineStore

    write = SqliteOnlineStore.online_write_batch
    written = []

    def interrupted(self, config, table, data, progress):
        if table.name == "visiting":
            raise KeyboardInterrupt
        written.append(table.name)
        return write(self, config, table, data, progress)

    store = feature_store(folder)
    with monkeypatch.context() as patch:
        patch.setattr(SqliteOnlineStore, "online_write_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.materialize(NOW)
    assert written == ["spending"]
    assert [each.materialized for each in store.feature_views()] == [NOW, None]
    assert [each.view for each in feature_store(folder).materialize(NOW)] == ["visiting"]
    found = store.online_features([{"customer": 1}], "churn")
    assert found == [{"customer": 1, "spent": 30.0, "visits": 7}]
    assert capsys.readouterr().out == ""


def test_a_killed_materialization_is_continued(folder):
    program = (
        "import sys, os, signal; from pathlib import Path; "
        "from stackfold.infrastructure.flavors.feast.feature_store import FeastFeatureStore as F;"
        "from feast.infra.online_stores.sqlite import SqliteOnlineStore as S;"
        "S.online_write_batch = lambda *_, **given: os.kill(os.getpid(), signal.SIGKILL);"
        "F(F.Configuration(path=sys.argv[1]), Path('.')).materialize()"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program, folder], check=False)
    assert done.returncode == -signal.SIGKILL
    store = feature_store(folder)
    assert {each.view for each in store.materialize(NOW)} == {"spending", "visiting"}
    found = store.online_features([{"customer": 1}], "churn")
    assert found == [{"customer": 1, "spent": 30.0, "visits": 7}]


def test_a_service_may_rename_views_and_keys(folder):
    def renamed(spending):
        from feast import FeatureService

        # Feast itself cannot compare a view that is renamed with itself.
        own = spending.with_name("own_spending")
        view = spending.with_name("partner_spending").with_join_key_map({"customer": "partner"})
        return FeatureService(name="pair", features=[own, view])

    apply(folder, more=[renamed])
    store = feature_store(folder, full_feature_names=True)
    entities = TestFeast().frame((1, 0), (2, 0)).assign(partner=[2, 9])
    found = store.training_frame(entities, "pair")
    assert found["own_spending__spent"].tolist() == [30.0, 50.0]
    assert found["partner_spending__spent"].fillna(-1).tolist() == [50.0, -1.0]
    store.materialize(NOW)
    (row,) = store.online_features([{"customer": 1, "partner": 2}], "pair")
    assert (row["own_spending__spent"], row["partner_spending__spent"]) == (30.0, 50.0)
