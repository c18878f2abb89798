"""The experiment tracker `mlflow` when its server is away, or says no: bounded, one clear line."""

import logging
import time

import pytest
from mlflow_server import PASSWORD, USER, MlflowServer, MlflowTool

from stackfold.application.runs.context import get_context
from stackfold.domain.errors import RunFailed, TrackerUnavailable
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.flavors.mlflow import circuit_breaker
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.tracking_tool import TRACKER, ids_of, the_only

NOBODY = "http://127.0.0.1:1"
AWAY = f"the experiment tracker at {NOBODY} cannot be used: nothing answers: start it, or correct"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def ws(home, mlflow_client):
    with Workspace.open(home) as workspace:
        yield workspace


@pytest.fixture
def lines(caplog):
    """The logged messages about trackers."""
    caplog.set_level(logging.WARNING, "stackfold.trackers")
    return lambda: [r.getMessage() for r in caplog.records if r.name == "stackfold.trackers"]


def register(ws, uri, **configuration):
    configuration = {"tracking_uri": uri, "timeout": 3, "retries": 1, **configuration}
    ws.components.register(TRACKER, "tracking", "mlflow", configuration)
    ws.components.register("step_operator", "apart", "local")
    ws.stacks.register(
        "tracked",
        orchestrator="default",
        artifact_store="default",
        experiment_tracker=["tracking"],
        step_operator=["apart"],
    )


def run_of(ws, *functions, **options):
    steps = [step(enable_cache=False, **options)(function) for function in functions]

    @Pipeline
    def tracked():
        for each in steps:
            each()

    return ws.runs.describe(ws.runs.start(tracked, stack="tracked").id)


def speak() -> int:
    import mlflow

    mlflow.log_metric("loss", 0.5)
    mlflow.log_params({"a": 1})
    mlflow.set_tag("t", "x")
    mlflow.log_text("hello", "hello.txt")
    get_context().tracker.log_metrics({"accuracy": 0.75})
    return 1


# The process of a step cannot import this module.
speak.__module__ = "__main__"


@pytest.mark.parametrize("operator", [False, True])
def test_a_run_continues_without_an_unresponsive_server(ws, lines, capfd, operator):
    register(ws, NOBODY)
    run = run_of(ws, speak, experiment_tracker=True, step_operator=operator)
    assert run.status == "completed"
    assert run.steps[0].metadata == {"metrics": {"accuracy": 0.75}}
    assert ids_of(run)["problem"].startswith(AWAY)
    (line,) = lines()
    assert line.startswith(f"the run goes on without 'tracking': {AWAY}")
    assert "\n" not in line


def test_the_server_is_tried_once_per_run(ws, lines):
    register(ws, NOBODY)
    run = run_of(ws, *[speak] * 10, experiment_tracker=True)
    assert run.status == "completed"
    assert len(lines()) == 1


def test_a_strict_tracker_fails_the_run_before_any_step(ws):
    register(ws, NOBODY, strict=True)
    with pytest.raises(RunFailed, match="nothing answers") as caught:
        run_of(ws, speak, experiment_tracker=True)
    assert isinstance(caught.value.__cause__, TrackerUnavailable)
    run = ws.runs.describe(ws.runs.list()[0].id)
    assert run.status == "failed"
    assert [each.status for each in run.steps] == ["skipped"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://nowhere.invalid", "there is no such host: correct tracking_uri"),
        ("URL/wrong", "it is no MLflow server: correct tracking_uri"),
    ],
)
def test_the_cause_is_reported(ws, mlflow_server, uri, words):
    register(ws, uri.replace("URL", mlflow_server.url), strict=True)
    with pytest.raises(RunFailed, match=words):
        run_of(ws, speak)


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory, mlflow_client):
    server = MlflowServer(tmp_path_factory.mktemp("guarded-mlflow"), guarded=True)
    try:
        server.start()
        yield server
    finally:
        server.kill()


ACCOUNT = {
    "tracking_username": "{{mlflow.user}}",
    "tracking_password": "{{mlflow.password}}",
    "strict": True,
}


def test_a_server_that_wants_a_password_gets_it_from_the_secrets(
    ws, guarded_server, home, monkeypatch
):
    ws.secrets.create("mlflow", {"user": USER, "password": PASSWORD})
    register(ws, guarded_server.url, **ACCOUNT)
    run = run_of(ws, speak, experiment_tracker=True, step_operator=True)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    seen = the_only(MlflowTool(guarded_server.url).seen(run), "speak")
    assert seen.metrics == {"loss": [0.5], "accuracy": [0.75]}
    kept = b"".join(
        each.read_bytes()
        for each in home.rglob("*")
        if each.is_file() and "secrets" not in each.parts
    )
    assert b"{{mlflow.password}}" in kept
    assert PASSWORD.encode() not in kept


def test_a_wrong_password_is_reported_but_not_shown(ws, guarded_server):
    ws.secrets.create("mlflow", {"user": USER, "password": "planted-wrong-one"})
    register(ws, guarded_server.url, **ACCOUNT)
    with pytest.raises(RunFailed, match="access is denied: correct the user's name") as caught:
        run_of(ws, speak)
    assert "planted-wrong-one" not in caught.value.traceback + str(caught.value)


# -- a server that fails while a step uses it


@pytest.fixture
def mortal_server(mlflow_server):
    """The server; it is there again after the test."""
    yield mlflow_server
    mlflow_server.kill()
    mlflow_server.start()


def test_a_step_continues_when_the_server_is_killed(ws, mortal_server, lines):
    register(ws, mortal_server.url, retries=2)

    def train() -> int:
        import mlflow

        mlflow.log_metric("loss", 1.0)
        mortal_server.kill()
        began = time.monotonic()
        mlflow.log_metric("loss", 0)
        once = time.monotonic() - began
        for number in range(20):
            mlflow.log_metric("loss", number)
        mlflow.log_text("hello", "hello.txt")
        get_context().tracker.log_metrics({"accuracy": 0.75})
        # One request takes at least two seconds; it is not sent each time.
        assert once >= 2
        assert time.monotonic() - began < 10 * once
        return 1

    run = run_of(ws, train, experiment_tracker=True)
    assert run.status == "completed"
    (recorded,) = run.steps
    assert recorded.metadata["metrics"] == {"accuracy": 0.75}
    assert "nothing answers" in ids_of(recorded)["problem"]
    step_line, run_line = lines()
    assert step_line.startswith("step 'train' goes on: the experiment tracker at ")
    assert run_line.startswith("'tracking' was not notified of the end of the run: ")


def test_values_logged_after_the_server_is_back_are_tracked(ws, mortal_server, monkeypatch):
    monkeypatch.setattr(circuit_breaker, "PAUSE", 0.0)
    register(ws, mortal_server.url)

    def train() -> int:
        import mlflow

        mlflow.log_metric("loss", 1.0, step=1)
        mortal_server.kill()
        mlflow.log_metric("loss", 2.0, step=2)
        mortal_server.start()
        mlflow.log_metric("loss", 3.0, step=3)
        return 1

    run = run_of(ws, train, experiment_tracker=True)
    seen = the_only(MlflowTool(mortal_server.url).seen(run), "train")
    assert (seen.metrics, seen.ended) == ({"loss": [1.0, 3.0]}, "completed")
    assert "nothing answers" in ids_of(run.steps[0])["problem"]


def test_a_strict_tracker_fails_the_step_when_the_server_is_killed(ws, mortal_server):
    register(ws, mortal_server.url, strict=True)

    def train() -> int:
        mortal_server.kill()
        get_context().tracker.log_metrics({"accuracy": 0.75})
        return 1

    with pytest.raises(RunFailed, match="failed in step 'train'") as caught:
        run_of(ws, train, experiment_tracker=True)
    assert isinstance(caught.value.__cause__, TrackerUnavailable)


def test_a_mistake_of_the_user_is_still_an_error(ws, mlflow_server):
    register(ws, mlflow_server.url)

    def train() -> int:
        import mlflow

        mlflow.log_param("depth", 1)
        mlflow.log_param("depth", 2)
        return 1

    with pytest.raises(RunFailed, match="Changing param values is not allowed"):
        run_of(ws, train, experiment_tracker=True)


# -- checking the connection


def test_a_server_that_can_be_used_passes_the_check(ws, mlflow_server):
    register(ws, mlflow_server.url)
    assert list(ws.stacks.check("tracked", connect=True)) == []


def test_the_check_reports_an_unavailable_server(ws):
    register(ws, NOBODY)
    assert list(ws.stacks.check("tracked")) == []
    (found,) = ws.stacks.check("tracked", connect=True)
    assert found.problem.startswith(f"experiment tracker 'tracking': {AWAY}")
