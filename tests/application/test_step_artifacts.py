"""Steps save artifacts while they run, and load others than their inputs."""

from typing import Annotated

import pytest

from stackfold import Workspace, artifact, get_context
from stackfold.application.secrets import redaction
from stackfold.domain.errors import Invalid, InvalidName, LogUnavailable, NotFound, RunFailed
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType

DATABASES = ("in a home", "in PostgreSQL")
PROCESSES = {"isolation": "process", "max_parallel": 2}
everywhere = pytest.mark.parametrize(
    ("workspace", "apart"),
    [(database, apart) for database in DATABASES for apart in (False, True)],
    indirect=["workspace"],
)
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
def train(epochs: int, fails_at: int = 0) -> int:
    executed.append("train")
    context = get_context()
    for epoch in range((context.last_saved("weights") or 0) + 1, epochs + 1):
        if epoch == fails_at and context.last_saved("weights") is not None:
            raise ValueError("power cut")
        context.save_artifact(
            epoch,
            "weights",
            label=f"epoch-{epoch}",
            tags=["team:vision"],
            metadata={"loss": 1 / epoch},
        )
    return epochs


@Pipeline
def training(epochs: int = 2, fails_at: int = 0):
    train(epochs, fails_at)


@step
def load(rows: int) -> Annotated[int, Output("dataset")]:
    return rows


@Pipeline
def loading(rows: int = 1):
    load(rows)


@step
def count(factor: int = 1) -> int:
    executed.append("count")
    return get_context().load_artifact("dataset") * factor


@Pipeline
def counting():
    count()


@step(uses="dataset")
def declared(factor: int = 1) -> int:
    executed.append("declared")
    return get_context().load_artifact("dataset") * factor


@Pipeline
def declaring():
    declared()


# -- saving


@pytest.mark.slow
@everywhere
def test_a_step_saves_versions_of_an_artifact_besides_its_outputs(workspace, runs, apart):
    run = runs.start(training, stack=in_processes(workspace) if apart else None)
    (described,) = runs.describe(run.id).steps
    assert [each.reference for each in described.saved] == ["weights@1", "weights@2"]
    assert [each.name for each in described.outputs] == ["output"]
    assert [
        workspace.artifacts.load(f"weights@{which}") for which in ("1", "epoch-2", "latest")
    ] == [
        1,
        2,
        2,
    ]
    found = workspace.artifacts.describe("weights@1")
    assert (found.tags, found.metadata, found.label) == (["team:vision"], {"loss": 1.0}, "epoch-1")
    assert workspace.artifacts.load("training/train/weights@1") == 1
    assert workspace.artifacts.load("training/train") == 2  # its only output


@pytest.mark.slow
@everywhere
def test_what_a_step_saved_stays_when_it_fails_and_a_resume_goes_on_from_there(
    workspace, runs, apart
):
    stack = in_processes(workspace) if apart else None
    with pytest.raises(RunFailed):
        runs.start(training, {"epochs": 3, "fails_at": 2}, stack=stack)
    run = workspace.runs.list()[0]
    assert workspace.artifacts.load("weights") == 1
    with pytest.raises(RunFailed):
        runs.resume(run.id, training)
    assert [each.version for each in workspace.artifacts.versions("weights")] == [1]
    assert [each.reference for each in runs.describe(run.id).steps[0].saved] == ["weights@1"]


def test_a_retry_goes_on_from_what_the_attempt_before_saved(workspace, runs):
    @step(retries=1)
    def flaky() -> int:
        context = get_context()
        before = context.last_saved("part")
        if before is None:
            context.save_artifact(7, "part")
            raise ValueError("once")
        return before

    run = runs.start(Pipeline(flaky, name="flaky"), stack=in_processes(workspace))
    assert runs.load(run.id, "flaky") == 7
    assert len(workspace.artifacts.versions("part")) == 1


def test_it_is_recorded_when_it_is_saved(workspace, runs):
    seen = []

    @step
    def saving() -> int:
        saved = get_context().save_artifact(5, "part")
        seen.append((saved.reference, workspace.artifacts.load("part")))
        seen.append(workspace.artifacts.lineage("part").upstream[0].step)
        return 1

    runs.start(Pipeline(saving, name="saving"))
    assert seen == [("part@1", 5), "saving"]


def test_a_cached_step_has_what_the_execution_saved(workspace, runs):
    runs.start(training)
    again = runs.start(training)
    (described,) = runs.describe(again.id).steps
    assert (described.status, executed) == ("cached", ["train"])
    assert [each.reference for each in described.saved] == ["weights@1", "weights@2"]
    assert len(workspace.artifacts.versions("weights")) == 2
    workspace.runs.delete(workspace.runs.list()[-1].id)
    assert workspace.artifacts.load("weights@2") == 2
    assert workspace.artifacts.load(f"weights@{again.name}") == 2


@pytest.mark.parametrize(
    ("name", "error"),
    [("output", Invalid), ("a b", InvalidName), ("0123abcd", InvalidName), ("", InvalidName)],
)
def test_an_artifact_needs_a_name_that_means_nothing_else(runs, name, error):
    @step
    def saving() -> int:
        with pytest.raises(error):
            get_context().save_artifact(1, name)
        return 1

    runs.start(Pipeline(saving, name="saving"))


def test_a_step_that_saves_nothing_records_no_further_event(workspace, runs):
    runs.start(loading)
    events = workspace.log.events()
    assert [each.topic for each in events if each.topic.startswith("run.")] == [
        "run.started", "run.step_completed", "run.completed",
    ]  # fmt: skip


# -- loading


@pytest.mark.slow
@everywhere
def test_what_a_step_loads_is_recorded_and_in_the_lineage(workspace, runs, apart):
    stack = in_processes(workspace) if apart else None
    runs.start(loading, {"rows": 5}, stack=stack)
    run = runs.start(counting, stack=stack)
    assert runs.load(run.id, "count") == 5
    (described,) = runs.describe(run.id).steps
    assert described.used == {"dataset": "dataset@1"}
    assert workspace.artifacts.lineage("counting/count").upstream[0].inputs == {
        "dataset": "dataset@1"
    }
    assert workspace.artifacts.lineage("dataset").downstream[0].step == "count"


def test_a_step_that_loads_what_it_does_not_declare_is_executed_each_time(workspace, runs):
    runs.start(loading)
    _, second = runs.start(counting), runs.start(counting)
    assert executed == ["count", "count"]
    (reason,) = runs.why(second.id)
    assert "uses" in reason.reason


@pytest.mark.slow
@everywhere
def test_what_a_step_declares_is_pinned_and_part_of_the_cache_key(workspace, runs, apart):
    stack = in_processes(workspace) if apart else None
    runs.start(loading, {"rows": 5}, stack=stack)
    first, second = (runs.start(declaring, stack=stack) for _ in range(2))
    assert [runs.steps(each.id)[0].status for each in (first, second)] == ["completed", "cached"]
    assert runs.describe(second.id).steps[0].used == runs.describe(first.id).steps[0].used
    runs.start(loading, {"rows": 6}, stack=stack)
    third = runs.start(declaring, stack=stack)
    assert runs.load(third.id, "declared") == 6
    (reason,) = runs.why(third.id)
    assert reason.reason == "input 'dataset' changed"
    again = runs.rerun(first.id)
    assert runs.load(again.id, "declared") == 5


def test_a_declared_artifact_must_exist_when_the_run_starts(workspace, runs):
    with pytest.raises(NotFound):
        runs.start(declaring)
    assert workspace.runs.list() == []


def test_an_artifact_that_does_not_exist_fails_the_step(runs):
    with pytest.raises(RunFailed, match="there is no artifact 'dataset'"):
        runs.start(counting)


@step
def take(reference: str, stack: str | None = None) -> int:
    return get_context().load_artifact(reference, from_stack=stack)


@Pipeline
def taking(reference: str = "dataset@1", stack: str | None = None):
    take(reference, stack)


@pytest.mark.slow
@everywhere
def test_what_is_not_promoted_is_loaded_from_its_own_stack(workspace, runs, apart):
    stack = in_processes(workspace) if apart else None
    workspace.stacks.copy("default", "lab")
    runs.start(loading, {"rows": 7}, stack="lab")
    with pytest.raises(RunFailed, match=r"'dataset@1' was made on stack 'lab', not on"):
        runs.start(taking, stack=stack)
    with pytest.raises(RunFailed, match="'dataset@1' was made on stack 'lab'"):
        runs.start(taking, {"stack": "default"}, stack=stack)
    run = runs.start(taking, {"stack": "lab"}, stack=stack)
    assert runs.load(run.id, "take") == 7
    allowed = {"from_stack": "lab"}
    assert runs.start(taking, stack=stack, configuration=allowed).status == "completed"
    workspace.artifacts.alias("dataset@1", "approved")
    assert runs.start(taking, stack=stack).status == "completed"


def test_what_the_own_run_saved_needs_no_stack(workspace, runs):
    @step
    def keep() -> int:
        get_context().save_artifact(3, "kept")
        return get_context().load_artifact("kept")

    @Pipeline
    def keeping():
        keep()

    assert runs.start(keeping).status == "completed"


# -- what a step was given


@pytest.mark.slow
@everywhere
def test_a_step_knows_which_versions_and_parameters_it_was_given(workspace, runs, apart):
    @step
    def describing(data: int, rate: float = 0.5) -> dict[str, object]:
        context = get_context()
        given = context.inputs["data"]
        return {
            "reference": given.reference,
            "name": given.name,
            "version": given.version,
            "label": given.label,
            "digest": given.digest,
            "tags": list(given.tags),
            "metadata": dict(given.metadata),
            "model": given.model_version,
            "parameters": dict(context.parameters),
        }

    stack = in_processes(workspace) if apart else None
    runs.start(loading.with_options(model="fraud"), {"rows": 5}, stack=stack)
    reading = Pipeline(lambda: describing(artifact("dataset")), name="describing")
    run = runs.start(reading, stack=stack)
    found = runs.load(run.id, "describing")
    assert found.pop("digest") == workspace.artifacts.get("dataset").view.digest
    assert found == {
        "reference": "dataset@1",
        "name": "dataset",
        "version": 1,
        "label": "",
        "tags": [],
        "metadata": {},
        "model": "fraud@1",
        "parameters": {"rate": 0.5},
    }


# -- where the log is out of reach


def test_without_the_log_what_a_step_saves_is_recorded_when_it_ends(ws):
    run = ws.runs.start(training, stack=in_processes(ws))
    (described,) = ws.runs.describe(run.id).steps
    assert [each.reference for each in described.saved] == ["weights@1", "weights@2"]


@pytest.mark.slow
def test_without_the_log_a_retry_and_a_resume_go_on_from_what_was_saved(ws):
    with pytest.raises(RunFailed):
        ws.runs.start(training, {"epochs": 3, "fails_at": 2}, stack=in_processes(ws))
    run = ws.runs.list()[0]
    with pytest.raises(RunFailed):
        ws.runs.resume(run.id, training)
    retried = Pipeline(lambda: train.with_options(retries=1, name="other")(3, 2), name="retried")
    with pytest.raises(RunFailed):
        ws.runs.start(retried, stack="apart")
    assert [each.version for each in ws.artifacts.versions("weights")] == [2, 1]


@pytest.mark.slow
def test_without_the_log_a_step_loads_what_it_declares_and_nothing_else(ws):
    ws.runs.start(loading, {"rows": 5}, stack=in_processes(ws))
    run = ws.runs.start(declaring, stack="apart")
    assert ws.runs.load(run.id, "declared") == 5
    with pytest.raises(RunFailed) as failed:
        ws.runs.start(counting, stack="apart")
    assert isinstance(failed.value.__cause__, LogUnavailable)
    assert "@step(uses=" in str(failed.value)


def test_no_secret_is_in_the_metadata_of_what_a_step_saves(workspace, runs, monkeypatch):
    monkeypatch.setattr(redaction, "_shown", {})
    monkeypatch.setattr(redaction, "_pattern", None)

    @step
    def saving() -> int:
        redaction.remember("hunter22", "{{db.password}}")
        get_context().save_artifact(1, "weights", metadata={"url": "db://:hunter22@host"})
        return 1

    def pipeline():
        saving()

    runs.start(Pipeline(pipeline))
    assert workspace.artifacts.describe("weights").metadata == {"url": "db://:{{db.password}}@host"}
    assert not any("hunter22" in str(each) for each in workspace.log.events())
