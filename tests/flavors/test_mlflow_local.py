"""The experiment tracker `mlflow` without a server: in a SQLite database, and in a folder."""

import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow_server import MlflowTool

from stackfold.application.runs.context import get_context
from stackfold.domain.errors import InvalidConfiguration, RunFailed, TrackerUnavailable
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.flavors.mlflow import local_store
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.experiment_tracker import ExperimentTrackerContract
from stackfold.testing.contracts.tracking_tool import TRACKER, ids_of

pytest.importorskip("mlflow", reason="no MLflow client here: `make slow-flavors` installs it")

# MLflow uses what SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class LocalTool(MlflowTool):
    """A database or a folder, read by MLflow's own client."""

    def client(self):
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        try:
            return super().client()
        finally:
            del os.environ["MLFLOW_ALLOW_FILE_STORE"]

    def _files(self, client, model):
        folder = Path(model.artifact_location.removeprefix("file://"))
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


class TestMlflowInADatabase(ExperimentTrackerContract):
    @pytest.fixture
    def tool(self, tmp_path):
        pytest.importorskip("sqlalchemy")
        return LocalTool(f"sqlite:///{tmp_path}/tracked/runs.db")


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def lines(caplog):
    """The logged messages about trackers."""
    caplog.set_level(logging.WARNING, "stackfold.trackers")
    return lambda: [r.getMessage() for r in caplog.records if r.name == "stackfold.trackers"]


def register(ws, uri, **configuration):
    ws.components.register(TRACKER, "tracking", "mlflow", {"tracking_uri": uri, **configuration})
    ws.stacks.register(
        "tracked", orchestrator="default", artifact_store="default", experiment_tracker=["tracking"]
    )


def speak() -> int:
    import mlflow

    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("hello", "notes/hello.txt")
    get_context().tracker.log_metrics({"accuracy": 0.75})
    return 1


def run_of(ws, function=speak):
    def tracked():
        step(enable_cache=False, experiment_tracker=True)(function)()

    return ws.runs.describe(ws.runs.start(Pipeline(tracked), stack="tracked").id)


@pytest.fixture(params=["database", "folder"])
def uri(request):
    if request.param == "database":
        pytest.importorskip("sqlalchemy")
        return "sqlite:///tracking/runs.db"
    return "tracking/runs"


def tool_of(ws, uri):
    """MLflow's own client of an address that is relative to the home."""
    store = local_store.LocalStore.find(uri, ws.home, 10)
    return LocalTool(store.uri.partition("?")[0]), store


def test_a_run_is_read_by_mlflow(ws, uri, tmp_path, monkeypatch):
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    register(ws, uri)
    run = run_of(ws)
    tool, store = tool_of(ws, uri)
    (seen,) = tool.seen(run)["speak"]
    assert seen.ended == "completed"
    assert seen.metrics == {"loss": [0.5], "accuracy": [0.75]}
    assert tool.artifact(seen, "notes/hello.txt") == b"hello"
    assert seen.ids == {key: ids_of(run.steps[0])[key] for key in ("run_id", "experiment_id")}
    # In the home, as private as it, and nothing in the current folder.
    assert store.path.startswith(str(ws.home))
    assert Path(store.path).parent.stat().st_mode & 0o077 == 0
    assert [*Path(store.artifacts).rglob("hello.txt")]
    assert [*Path.cwd().iterdir()] == []


def test_experiments_of_a_step_are_stored_beside_the_others(ws, uri, tmp_path, monkeypatch):
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    register(ws, uri)

    def start_another() -> int:
        import mlflow

        mlflow.set_experiment("other")
        with mlflow.start_run(nested=True):
            mlflow.log_text("hello", "hello.txt")
        return 1

    run_of(ws, start_another)
    _, store = tool_of(ws, uri)
    assert [*Path(store.artifacts).rglob("hello.txt")]
    assert [*Path.cwd().iterdir()] == []


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a/../../evil", "..\\evil"])
def test_no_name_leads_out_of_the_store(ws, uri, tmp_path, name):
    register(ws, uri, experiment_name=name)
    (tmp_path / "file").write_text("content")

    def escape() -> int:
        tracker = get_context().tracker
        for log in (
            lambda: tracker.log_artifact(tmp_path / "file", name),
            lambda: tracker.log_metrics({name: 1}),
            lambda: tracker.log_parameters({name: 1}),
            lambda: tracker.log_model(tmp_path / "file", name),
        ):
            try:
                log()
            except Exception as error:
                print(type(error).__name__)
        return 1

    assert run_of(ws, escape).status == "completed"
    _, store = tool_of(ws, uri)
    inside = Path(store.path if not store.is_database else store.artifacts)
    outside = [
        each
        for each in tmp_path.rglob("*evil*")
        if inside not in each.parents and "runs" not in each.name
    ]
    assert outside == []
    assert not Path("/evil").exists()


def test_processes_that_begin_at_once_share_one_store(ws, uri):
    register(ws, uri)
    with ThreadPoolExecutor(3) as pool:
        done = [*pool.map(lambda _: in_a_process(ws.home), range(3))]
    assert all(each.returncode == 0 for each in done), [each.stderr[-600:] for each in done]
    assert not any("goes on without" in each.stderr for each in done), done[0].stderr
    tool, _ = tool_of(ws, uri)
    client = tool.client()
    experiments = [each for each in client.search_experiments() if each.name == "tracked"]
    assert len(experiments) == 1
    runs = client.search_runs([experiments[0].experiment_id], max_results=100)
    steps = [each for each in runs if "stackfold.step" in each.data.tags]
    assert len(steps) == 12
    assert {each.info.status for each in runs} == {"FINISHED"}
    assert {each.data.metrics["loss"] for each in steps} == {0.0}


_PROGRAM = """
import sys
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.workspace import Workspace

@step(enable_cache=False, experiment_tracker=True)
def train() -> int:
    import mlflow
    for number in range(20, -1, -1):
        mlflow.log_metric("loss", number, step=20 - number)
    return 1

def tracked():
    train()

if __name__ == "__main__":
    with Workspace.open(sys.argv[1]) as ws:
        for _ in range(4):
            ws.runs.start(Pipeline(tracked), stack="tracked")
"""


def in_a_process(home):
    import subprocess
    import sys

    program = Path(home).parent / "program.py"
    if not program.exists():
        program.write_text(_PROGRAM)
    return subprocess.run(  # noqa: PLW1510  # the caller checks it
        [sys.executable, str(program), str(home)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )


def test_a_check_creates_nothing(ws, uri):
    tracker = ws.flavors.build(TRACKER, "mlflow", {"tracking_uri": uri})
    tracker.check_connection()
    assert not (Path(ws.home) / "tracking").exists()
    register(ws, uri)
    run_of(ws)
    tracker.check_connection()


# -- what cannot be used: one line, quickly


def broken(path, how):
    path.parent.mkdir(parents=True)
    match how:
        case "other file":
            path.write_text("no database")
        case "folder":
            path.mkdir()
        case "older":
            with sqlite3.connect(path) as database:
                database.execute("CREATE TABLE alembic_version (version_num TEXT)")
            database.close()
        case "file above":
            path.parent.rmdir()
            path.parent.write_text("")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("other file", "it is not a SQLite database: correct tracking_uri"),
        ("folder", "it is not a file: correct tracking_uri"),
        ("file above", "its folder is a file: correct tracking_uri"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_database_that_cannot_be_used_is_reported(ws, lines, monkeypatch, how, reason, strict):
    pytest.importorskip("sqlalchemy")
    monkeypatch.chdir(ws.home)
    path = Path(ws.home) / "tracking" / "runs.db"
    broken(path, how)
    register(ws, "sqlite:///tracking/runs.db", strict=strict)
    tracker = ws.flavors.build(TRACKER, "mlflow", {"tracking_uri": "sqlite:///tracking/runs.db"})
    with pytest.raises(TrackerUnavailable) as caught:
        tracker.check_connection()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    if strict:
        with pytest.raises((RunFailed, TrackerUnavailable), match=reason):
            run_of(ws)
    else:
        assert run_of(ws).status == "completed"  # MLflow's functions in the step did no harm
        assert reason in lines()[0]
    assert not (Path(ws.home) / "mlflow.db").exists()
    assert not (Path(ws.home) / "mlruns").exists()


def test_a_folder_that_is_a_file_is_reported(ws):
    (Path(ws.home) / "runs").write_text("")
    tracker = ws.flavors.build(TRACKER, "mlflow", {"tracking_uri": "runs"})
    with pytest.raises(TrackerUnavailable, match="it is not a folder: correct tracking_uri"):
        tracker.check_connection()


def test_a_missing_library_is_named(ws, monkeypatch):
    find_spec = local_store.find_spec
    monkeypatch.setattr(
        local_store, "find_spec", lambda name: None if name == "sqlalchemy" else find_spec(name)
    )
    tracker = ws.flavors.build(TRACKER, "mlflow", {"tracking_uri": "sqlite:///runs.db"})
    with pytest.raises(TrackerUnavailable, match="run `stackfold integration install mlflow-sq"):
        tracker.check_connection()


def test_other_addresses_are_rejected_without_repeating_them(ws):
    for address in (
        "postgresql://user:pw-x@host/db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:?x=pw-x",
        "sqlite:///a.db?mode=pw-x",
        "file://host/pw-x",
        "databricks://pw-x",
        "s3://bucket/pw-x",
        "",
        "a\0pw-x",
    ):
        with pytest.raises(InvalidConfiguration) as caught:
            ws.components.register(TRACKER, "t", "mlflow", {"tracking_uri": address})
        assert "without a server sqlite:///FILE or a folder" in str(caught.value)
        assert "pw-x" not in str(caught.value)
