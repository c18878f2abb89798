"""Steps make or continue a version of a model that their pipeline does not declare."""

import subprocess
import sys

import pytest

from stackfold import Model, Workspace, get_context
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.errors import (
    Conflict,
    Invalid,
    InvalidName,
    LogUnavailable,
    NameTaken,
    NotFound,
    RunFailed,
)

DATABASES = ("in a home", "in PostgreSQL")
PROCESSES = {"isolation": "process", "max_parallel": 2}
everywhere = pytest.mark.parametrize(
    ("workspace", "apart"),
    [(DATABASES[0], False), (DATABASES[0], True), (DATABASES[1], False)],
    indirect=["workspace"],
)
on_each_database = pytest.mark.parametrize("workspace", DATABASES, indirect=True)
executed = []


@pytest.fixture(autouse=True)
def nothing_executed():
    executed.clear()


@pytest.fixture
def workspace(request, tmp_path):
    """A workspace whose log other processes reach."""
    if getattr(request, "param", DATABASES[0]) == DATABASES[0]:
        opened = Workspace.open(tmp_path / "home")
    else:
        opened = request.getfixturevalue("postgres").workspace()
    with opened as workspace:
        yield workspace


def in_processes(workspace):
    """A stack that executes each step in another process."""
    workspace.components.register(ComponentType.ORCHESTRATOR, "apart", "local", PROCESSES)
    workspace.stacks.register("apart", orchestrator="apart", artifact_store="default")
    return "apart"


@step
def train(auc: float) -> float:
    executed.append("train")
    version = get_context().use_model(Model("fraud", tags=["eu"], description="Finds fraud"))
    assert version == get_context().model
    get_context().log_metadata({"auc": auc})
    return auc


@step(enable_cache=False)
def after(auc: float) -> str:
    if auc < 0:
        raise ValueError("no luck")
    return str(get_context().model)


@Pipeline
def training(auc: float = 0.9):
    after(train(auc))


def states(workspace):
    return {each.number: each.status for each in workspace.models.versions("fraud", all=True)}


@pytest.mark.slow
@everywhere
def test_a_step_makes_a_version_as_if_the_pipeline_declared_it(workspace, runs, apart):
    run = runs.start(training, stack=in_processes(workspace) if apart else None)
    assert (run.model_version, runs.describe(run.id).model_version) == ("fraud@1", "fraud@1")
    assert runs.load(run.id, "after") == "fraud@1"
    described = workspace.models.describe_version("fraud", 1)
    assert (described.status, described.runs) == ("completed", [run.name])
    assert (described.metrics, described.tags) == ({"auc": 0.9}, ["eu"])
    assert described.artifacts == ["training/train/output@1", "training/after/output@1"]
    assert described.stack == run.stack
    assert workspace.models.get("fraud").description == "Finds fraud"
    workspace.models.promote("fraud", 1)
    assert workspace.artifacts.load("fraud@production/train/output") == 0.9
    workspace.log.verify()


@on_each_database
def test_it_is_linked_at_once_and_stays_open_when_the_run_fails(workspace, runs):
    seen = []

    @step
    def looking(version: float) -> None:
        seen.append((runs.list()[0].model_version, states(workspace)))

    with pytest.raises(RunFailed):
        runs.start(Pipeline(lambda: [looking(train(0.5)), after(train(-1.0))], name="several"))
    assert seen == [("fraud@1", {1: "open"})]
    assert states(workspace) == {1: "open"}


@pytest.mark.slow
@everywhere
def test_a_resumed_run_continues_its_version(workspace, runs, apart):
    stack = in_processes(workspace) if apart else None
    failing = Pipeline(lambda: after(train(-1.0)), name="failing")
    with pytest.raises(RunFailed):
        runs.start(failing, stack=stack)
    run = runs.list()[0]
    again = runs.resume(run.id, Pipeline(lambda: lenient(train(-1.0)), name="failing"))
    assert again.model_version == "fraud@1"
    assert states(workspace) == {1: "completed"}


@step(name="after", enable_cache=False)
def lenient(auc: float) -> str:
    return str(get_context().use_model("fraud"))


@step
def asks(number: int) -> int:
    return get_context().use_model("fraud").number


@pytest.mark.slow
@everywhere
def test_steps_of_one_run_get_the_same_version(workspace, runs, apart):
    stack = in_processes(workspace) if apart else None
    asking = Pipeline(lambda: [asks(number) for number in range(4)], name="asking")
    run = runs.start(asking, stack=stack)
    assert {runs.load(run.id, each.name) for each in runs.steps(run.id)} == {1}
    assert states(workspace) == {1: "completed"}
    assert [each.topic for each in workspace.log.events()].count("run.model_linked") == 1


@on_each_database
def test_a_step_from_the_cache_makes_the_next_version_for_its_run(workspace, runs):
    first, second = runs.start(training), runs.start(training)
    assert [each.status for each in runs.steps(second.id)] == ["cached", "completed"]
    assert executed == ["train"]
    assert second.model_version == "fraud@2"
    assert workspace.models.version("fraud", 2).tags == ["eu"]
    assert workspace.models.version("fraud", 2).metrics == {"auc": 0.9}
    runs.delete(second.id)
    runs.delete(first.id)
    third = runs.start(training)
    assert third.model_version == "fraud@3"
    assert states(workspace)[3] == "completed"
    assert runs.start(training).model_version == "fraud@4"
    assert executed == ["train", "train"]


@step
def evaluate(which: str) -> str:
    executed.append("evaluate")
    return str(get_context().use_model(f"fraud@{which}"))


@pytest.mark.slow
@everywhere
def test_a_step_continues_a_version_and_is_executed_each_time(workspace, runs, apart):
    stack = in_processes(workspace) if apart else None
    runs.start(training)
    runs.start(training, {"auc": 0.8})
    workspace.models.promote("fraud", 1)
    before = max(each.position for each in workspace.log.events())
    evaluating = Pipeline(lambda: evaluate("production"), name="evaluating")
    first = runs.start(evaluating, stack=stack)
    second = runs.start(evaluating, stack=stack)
    assert (first.model_version, runs.load(first.id, "evaluate")) == ("fraud@1", "fraud@1")
    assert [each.status for each in runs.steps(second.id)] == ["completed"]
    (reason,) = runs.why(second.id)
    assert "a version of a model that it chose" in reason.reason
    described = workspace.models.describe_version("fraud", 1)
    assert described.runs == [described.run, first.name, second.name]
    started = next(e.position for e in workspace.log.events() if e.position > before)
    for position in (before, started):
        then = workspace.models.describe_version("fraud", 1, as_of=position)
        assert then.runs == [described.run]
    runs.delete(first.id)
    assert workspace.models.get("fraud").aliases == {"production": 1}
    assert workspace.models.version("fraud", 1).status == "completed"


@step
def asks_for(model: str) -> None:
    get_context().use_model(model)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("churn", Conflict),
        ("fraud@1", Conflict),
        ("a b", InvalidName),
        ("fraud@9", NotFound),
    ],
)
def test_a_run_has_one_version_of_one_model(workspace, runs, model, error):
    runs.start(training)
    asking = Pipeline(lambda: asks_for(model), name="asking", model="fraud")
    with pytest.raises(RunFailed) as failed:
        runs.start(asking)
    assert isinstance(failed.value.__cause__, error)


def test_the_declared_version_is_returned(workspace, runs):
    run = runs.start(Pipeline(lambda: asks(1), name="asking", model="fraud"))
    assert runs.load(run.id, "asks") == 1
    assert states(workspace) == {1: "completed"}
    assert runs.start(Pipeline(lambda: asks(1), name="other")).model_version == "fraud@2"


def test_a_label_that_is_taken_fails_the_step_from_the_cache_too(workspace, runs):
    @step
    def labels() -> int:
        return get_context().use_model(Model("fraud", label="spring")).number

    labeling = Pipeline(labels, name="labeling")
    runs.start(labeling)
    assert workspace.models.version("fraud", "spring").number == 1
    with pytest.raises(RunFailed) as failed:
        runs.start(labeling)
    assert isinstance(failed.value.__cause__, NameTaken)
    assert states(workspace) == {1: "completed"}


def test_no_artifact_has_the_name_of_the_model(workspace, runs):
    @step
    def saving() -> None:
        get_context().save_artifact(1, "weights")
        get_context().use_model("weights")

    with pytest.raises(RunFailed) as failed:
        runs.start(Pipeline(saving, name="saving"))
    assert isinstance(failed.value.__cause__, NameTaken)
    assert workspace.models.list() == []


@pytest.mark.slow
@everywhere
def test_steps_log_metadata_of_the_version(workspace, runs, apart):
    @step(enable_cache=False)
    def measures(number: int) -> None:
        with pytest.raises(Invalid):
            get_context().log_model_metadata({"rows": 1})
        get_context().use_model("fraud")
        with pytest.raises(Invalid):
            get_context().log_model_metadata({"rows": object()})
        get_context().log_model_metadata({f"rows-{number}": number, "schema": "v2"})
        get_context().log_model_metadata({"schema": "v2"})

    stack = in_processes(workspace) if apart else None
    run = runs.start(Pipeline(lambda: measures(1), name="one"), stack=stack)
    described = workspace.models.describe_version("fraud", 1)
    assert run.model_version == "fraud@1"
    assert described.metadata == {"rows-1": 1, "schema": "v2"}


def test_without_the_log_the_step_says_what_to_do(ws):
    with pytest.raises(RunFailed) as failed:
        ws.runs.start(training, stack=in_processes(ws))
    assert isinstance(failed.value.__cause__, LogUnavailable)
    message = str(failed.value)
    assert "cannot be asked for a version of model 'fraud' by step 'train'" in message
    assert '@pipeline(model="fraud")' in message


KILLED = """
import os, sys
from stackfold import Workspace, get_context, pipeline, step

@step
def train() -> int:
    number = get_context().use_model("fraud").number
    if sys.argv[2:]:
        os._exit(7)
    return number

@pipeline
def training():
    train()

if __name__ == "__main__":
    with Workspace.open(sys.argv[1]) as ws:
        if sys.argv[2:]:
            ws.runs.start(training)
        else:
            print(ws.runs.resume(ws.runs.list()[0].id, training).model_version)
"""


def test_a_killed_run_continues_its_version(tmp_path):
    program, home = tmp_path / "killed.py", str(tmp_path / "home")
    program.write_text(KILLED)
    assert subprocess.run([sys.executable, program, home, "kill"], check=False).returncode == 7
    with Workspace.open(home) as ws:
        assert states(ws) == {1: "open"}
    resumed = subprocess.run(
        [sys.executable, program, home], check=True, capture_output=True, text=True
    )
    assert resumed.stdout == "fraud@1\n"
    with Workspace.open(home) as ws:
        assert states(ws) == {1: "completed"}
        ws.log.verify()
