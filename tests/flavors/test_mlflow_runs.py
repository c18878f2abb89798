"""What MLflow records of runs, and its functions in steps; on a real server."""

import os
import signal
import threading

import pytest

from stackfold.application.runs.context import get_context
from stackfold.domain.errors import RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.tracking_tool import TRACKER, ids_of, the_only


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def on(ws, mlflow_tool):
    """Creates a stack with the given configuration of its tracker, and returns its name."""

    def register(name="tracked", orchestrator="default", **configuration):
        configuration = mlflow_tool.configuration(**configuration)
        ws.components.register(TRACKER, name, "mlflow", configuration)
        ws.components.register("step_operator", name, "local")
        ws.stacks.register(
            name,
            orchestrator=orchestrator,
            artifact_store="default",
            experiment_tracker=[name],
            step_operator=[name],
        )
        return name

    return register


def alone(function, **options):
    only = step(experiment_tracker=True, enable_cache=False, **options)(function)

    def tracked(rate: float = 0.5):
        only()

    return Pipeline(tracked)


def test_a_run_is_tracked_with_tags_that_identify_it(ws, on, mlflow_tool):
    run = ws.runs.start(alone(lambda: 1, name="only"), {"rate": 0.25}, stack=on(tags={"team": "a"}))
    parent, child = mlflow_tool.runs(run)
    assert (parent.info.run_name, parent.info.status) == (run.name, "FINISHED")
    assert parent.data.params == {"rate": "0.25"}
    facts = {
        "team": "a",
        "stackfold.run": run.id,
        "stackfold.pipeline": "tracked",
        "stackfold.stack": "tracked",
        "stackfold.stack_revision": "1",
        "stackfold.fingerprint": run.fingerprint,
    }
    assert facts.items() <= parent.data.tags.items()
    assert {**facts, "stackfold.step": "only"}.items() <= child.data.tags.items()
    described = ws.runs.describe(run.id)
    assert ids_of(described, "tracked") == {
        "experiment_id": parent.info.experiment_id,
        "run_id": parent.info.run_id,
        "url": f"{mlflow_tool.url}/#/experiments/{parent.info.experiment_id}"
        f"/runs/{parent.info.run_id}",
    }


def test_each_pipeline_has_an_experiment_of_its_name_or_all_have_the_one_given(ws, on, mlflow_tool):
    def experiment(run):
        client = mlflow_tool.client()
        return client.get_experiment(mlflow_tool.runs(run)[0].info.experiment_id).name

    assert experiment(ws.runs.start(alone(lambda: 1, name="only"), stack=on())) == "tracked"
    other = on("other", experiment_name="everything")
    assert experiment(ws.runs.start(alone(lambda: 1, name="only"), stack=other)) == "everything"


def test_a_deleted_experiment_is_reported(ws, on, mlflow_tool):
    client = mlflow_tool.client()
    client.delete_experiment(client.create_experiment("gone"))
    with pytest.raises(RunFailed, match="experiment 'gone' was deleted: restore it, or correct"):
        ws.runs.start(alone(lambda: 1, name="only"), stack=on(experiment_name="gone", strict=True))


def test_everything_can_go_into_one_run(ws, on, mlflow_tool):
    def train(depth: int = 2) -> int:
        import mlflow

        mlflow.log_metric("loss", 0.5)
        get_context().tracker.log_parameters({"solver": "saga"})
        return depth

    run = ws.runs.start(alone(train), stack=on(nested=False))
    (only,) = mlflow_tool.runs(run)
    assert only.info.status == "FINISHED"
    assert only.data.metrics == {"loss": 0.5}
    assert only.data.params == {"rate": "0.5", "train.depth": "2", "train.solver": "saga"}


def test_a_run_that_fails_has_failed_and_one_that_is_cancelled_was_killed(ws, on, mlflow_tool):
    def fail() -> int:
        raise ValueError("no")

    def stop() -> int:
        raise KeyboardInterrupt

    stack = on()
    with pytest.raises(RunFailed):
        ws.runs.start(alone(fail), stack=stack)
    with pytest.raises(KeyboardInterrupt):
        ws.runs.start(alone(stop), stack=stack)
    stopped, failed = ws.runs.list()
    assert [each.info.status for each in mlflow_tool.runs(failed)] == ["FAILED", "FAILED"]
    assert [each.info.status for each in mlflow_tool.runs(stopped)] == ["KILLED", "KILLED"]


def test_what_a_killed_process_left_open_is_ended_with_the_run(ws, on, mlflow_tool):
    def die() -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 1

    with pytest.raises(RunFailed):
        ws.runs.start(alone(die, step_operator=True), stack=on())
    (run,) = ws.runs.list()
    assert [each.info.status for each in mlflow_tool.runs(run)] == ["FAILED", "KILLED"]


def test_a_resumed_run_continues_the_same_mlflow_run(ws, on, mlflow_tool, tmp_path):
    def train() -> int:
        if not (tmp_path / "mended").exists():
            raise ValueError("not yet")
        return 1

    pipeline = alone(train)
    with pytest.raises(RunFailed):
        ws.runs.start(pipeline, stack=on())
    (run,) = ws.runs.list()
    (tmp_path / "mended").touch()
    ws.runs.resume(run.id, pipeline)
    parent, *children = mlflow_tool.runs(run)
    assert parent.info.status == "FINISHED"
    assert sorted(each.info.status for each in children) == ["FAILED", "FINISHED"]


# Importing this part of MLflow gives a warning about its type hints.
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")
def test_models_of_scikit_learn_are_logged_and_loaded(ws, on, mlflow_tool):
    pytest.importorskip("sklearn")

    def train() -> str:
        import mlflow
        from sklearn.linear_model import LinearRegression

        model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
        told = mlflow.sklearn.log_model(model, name="line", pip_requirements=["scikit-learn"])
        again = mlflow.sklearn.load_model(told.model_uri)
        assert again.predict([[2.0]])[0] == pytest.approx(5.0)
        return told.model_id

    run = ws.runs.start(alone(train), stack=on())
    seen = the_only(mlflow_tool.seen(run), "train")
    assert "MLmodel" in mlflow_tool.models(seen)["line"]


def test_autologging_goes_to_the_step(ws, on, mlflow_tool):
    pytest.importorskip("sklearn")

    def train() -> int:
        import mlflow
        from sklearn.linear_model import LinearRegression

        mlflow.sklearn.autolog(log_models=False, silent=True)
        try:
            LinearRegression(fit_intercept=False).fit([[0.0], [1.0]], [1.0, 3.0])
        finally:
            mlflow.sklearn.autolog(disable=True)
        return 1

    run = ws.runs.start(alone(train), stack=on())
    seen = the_only(mlflow_tool.seen(run), "train")
    assert seen.parameters["fit_intercept"] == "False"
    assert "training_mean_squared_error" in seen.metrics


def test_runs_that_a_step_starts_are_nested_in_its_run(ws, on, mlflow_tool):
    def train() -> int:
        import mlflow

        with mlflow.start_run(run_name="fold", nested=True):
            mlflow.log_metric("score", 1)
        mlflow.start_run(run_name="left open", nested=True)
        return 1

    run = ws.runs.start(alone(train), stack=on())
    seen = the_only(mlflow_tool.seen(run), "train")
    assert seen.metrics == {}
    client = mlflow_tool.client()
    below = f"tags.`mlflow.parentRunId` = '{seen.ids['run_id']}'"
    found = client.search_runs([seen.ids["experiment_id"]], below)
    assert {each.info.run_name: each.info.status for each in found} == {
        "fold": "FINISHED",
        "left open": "FINISHED",
    }
    assert not mlflow_tool.has_a_run()


def test_an_experiment_that_the_user_sets_does_no_harm(ws, on, mlflow_tool):
    import mlflow
    from mlflow.tracking import fluent

    def train() -> int:
        mlflow.set_experiment("mine")
        mlflow.log_metric("loss", 1)
        return 1

    stack = on()
    try:
        first = ws.runs.start(alone(train), stack=stack)
        second = ws.runs.start(alone(train), stack=stack)
    finally:
        fluent._active_experiment_id = None
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    for run in (first, second):
        assert the_only(mlflow_tool.seen(run), "train").metrics == {"loss": [1.0]}


def test_steps_that_speak_to_different_servers_wait_for_each_other(ws, mlflow_tool):
    """In threads of one process; the second server is the same one by another name."""
    other = mlflow_tool.url.replace("127.0.0.1", "localhost")
    for name, url in {"one": mlflow_tool.url, "two": other}.items():
        ws.components.register(TRACKER, name, "mlflow", {"tracking_uri": url})
    ws.components.register(ComponentType.ORCHESTRATOR, "wide", "local", {"isolation": "thread"})
    ws.stacks.register(
        "both", orchestrator="wide", artifact_store="default", experiment_tracker=["one", "two"]
    )
    speaking, most = [], []
    turn = threading.Lock()

    def tell() -> str:
        import mlflow

        with turn:
            speaking.append(1)
            most.append(len(speaking))
        for number in range(5):
            mlflow.log_metric("loss", number)
        with turn:
            speaking.pop()
        return mlflow.get_tracking_uri()

    @Pipeline
    def tracked():
        for number, name in enumerate(["one", "two"] * 2):
            step(name=f"s{number}", experiment_tracker=name, enable_cache=False)(tell)()

    run = ws.runs.start(tracked, stack="both")
    told = [ws.runs.load(run.id, f"s{number}") for number in range(4)]
    assert told == [mlflow_tool.url, other] * 2
    tries = [seen for each in mlflow_tool.seen_of_all(run).values() for seen in each]
    assert [seen.metrics["loss"] for seen in tries] == [[0, 1, 2, 3, 4]] * 4
