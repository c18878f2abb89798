"""Runs that are handed to an engine, which starts a process for each step.

The engine here starts them one after another, in this process; `tests/flavors` has a real one.
"""

from typing import Annotated

import pytest
from runnable import training
from workspaces import ORCHESTRATOR

from stackfold.application import ports
from stackfold.application.ports.submitting_orchestrator import Submission, SubmittingOrchestrator
from stackfold.domain.errors import (
    EngineStopped,
    EngineUnavailable,
    InvalidPipeline,
    RunBusy,
    RunDetached,
    RunEnded,
    RunFailed,
    StepNotRunnable,
)
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.system import packages

PIPELINES = {}
"""Name → pipeline; where an engine's process would import it."""


class Engine(SubmittingOrchestrator):
    """Executes what it is handed when it is followed; a test may change what it does."""

    flavor = "engine"
    awaited = True
    ws = None
    jobs, terminated, looks = [], [], []

    class Configuration(ports.Configuration):
        """Nothing to configure."""

    def submit(self, job):
        Engine.jobs.append(job)
        return Submission(f"engine-{len(Engine.jobs)}", "https://engine/1")

    def follow(self, reference, poll):
        job = Engine.jobs[-1]
        failed = False
        for each in job.steps:
            try:
                Engine.ws.runs.remote_steps.execute(job.run, each.name, None, None)
            except Exception:
                failed = True
            poll()
        if failed:
            raise EngineStopped("the engine", "FAILED")

    def is_executing(self, reference):
        return False

    def terminate(self, reference):
        Engine.terminated.append(reference)

    def document(self, job):
        return f"{job.pipeline}: {', '.join(step.name for step in job.steps)}"


class Detached(Engine):
    awaited = False


class Unreachable(Engine):
    def submit(self, job):
        raise EngineUnavailable("the engine", "it does not answer")


class Impatient(Engine):
    def follow(self, reference, poll):
        raise RunDetached("the engine", "its timeout is over")


class Interrupted(Engine):
    def follow(self, reference, poll):
        Engine.ws.runs.remote_steps.execute(Engine.jobs[-1].run, "load", None, None)
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def engine(ws, monkeypatch):
    """A function that makes the stack `engine` of an orchestrator of some class."""
    Engine.ws, Engine.jobs, Engine.terminated = ws, [], []
    monkeypatch.setattr(ws.pipelines, "load", lambda source, root: PIPELINES[source])

    def registered(flavor, pipeline=training):
        PIPELINES[pipeline.source] = pipeline
        found = {f"{__name__}.{flavor.__name__}": flavor}
        monkeypatch.setattr(
            packages.InstalledPackages,
            "load",
            lambda self, flavor, source, _load=packages.InstalledPackages.load: (
                found.get(source) or _load(self, flavor, source)
            ),
        )
        ws.flavors.register(ORCHESTRATOR, f"{__name__}.{flavor.__name__}")
        ws.components.register(ORCHESTRATOR, "engine", "engine")
        ws.stacks.register("engine", orchestrator="engine", artifact_store="default")
        return ws.runs

    return registered


def statuses(runs, run):
    return {each.name: each.status for each in runs.steps(run)}


def test_its_processes_record_what_came_of_the_steps(engine):
    runs = engine(Engine)
    run = runs.start(training, stack="engine")
    assert run.status == "completed"
    assert set(statuses(runs, run.id).values()) == {"completed"}
    assert runs.load(run.id, "total") == 2.0
    assert [each.name for each in Engine.jobs[0].steps] == [
        each.name for each in runs.steps(run.id)
    ]


def test_a_run_tells_what_it_was_handed_to(engine):
    runs = engine(Engine)
    run = runs.start(training, stack="engine")
    assert runs.describe(run.id).submitted == {
        "orchestrator": "engine",
        "reference": "engine-1",
        "url": "https://engine/1",
    }


def test_what_is_found_in_the_cache_is_recorded_for_the_next_process(engine):
    runs = engine(Engine)
    runs.start(training, stack="engine")
    again = runs.start(training, stack="engine")
    assert again.status == "completed"
    assert statuses(runs, again.id)["load"] == "cached"


@step
def load() -> int:
    return 1


@step
def break_down(value: int) -> int:
    raise ZeroDivisionError("of the step")


@step
def use(value: int) -> int:
    return value


@Pipeline
def failing():
    use(break_down(load()))


def test_a_step_that_fails_fails_the_run_with_what_it_raised_there(engine):
    runs = engine(Engine, failing)
    with pytest.raises(RunFailed, match="failed in step 'break_down': ZeroDivisionError") as caught:
        runs.start(failing, stack="engine")
    assert "in break_down" in caught.value.traceback
    run = runs.list()[0]
    assert run.status == "failed"
    assert statuses(runs, run.id) == {
        "load": "completed",
        "break_down": "failed",
        "use": "skipped",
    }


def test_when_a_run_fails_fast_the_engine_is_told_to_end_the_rest(engine):
    runs = engine(Engine, failing)
    with pytest.raises(RunFailed):
        runs.start(failing, stack="engine")
    assert Engine.terminated == ["engine-1"]


def test_resuming_a_failed_run_executes_the_remaining_steps(engine):
    runs = engine(Engine, failing)
    with pytest.raises(RunFailed):
        runs.start(failing, stack="engine")
    run = runs.list()[0].id
    repaired = step(name="break_down")(lambda value: value + 1)

    def mended():
        use(repaired(load()))

    PIPELINES[failing.source] = Pipeline(mended, name="failing")
    runs.resume(run, PIPELINES[failing.source])
    assert runs.get(run).status == "completed"
    assert [each.name for each in Engine.jobs[-1].steps] == ["break_down", "use"]
    assert Engine.jobs[-1].steps[0].upstream == ()  # what it waited for is done


def test_a_run_that_cannot_be_handed_over_has_failed(engine):
    runs = engine(Unreachable)
    with pytest.raises(RunFailed, match="the engine cannot be used: it does not answer"):
        runs.start(training, stack="engine")
    assert runs.list()[0].status == "failed"


def test_ctrl_c_ends_the_run_there_too(engine):
    runs = engine(Interrupted)
    with pytest.raises(KeyboardInterrupt):
        runs.start(training, stack="engine")
    assert Engine.terminated == ["engine-1"]
    run = runs.list()[0]
    assert run.status == "cancelled"
    assert statuses(runs, run.id)["load"] == "completed"


# -- runs that nobody waits for


def test_a_run_that_nobody_waits_for_is_running_until_it_is_settled(engine):
    runs = engine(Detached)
    run = runs.start(training, stack="engine")
    assert run.status == "running"
    for each in Engine.jobs[0].steps:
        runs.remote_steps.execute(run.id, each.name, None, None)
    assert runs.get(run.id).status == "running"
    runs.remote_steps.settle(run.id, None, awaited=False)
    assert runs.get(run.id).status == "completed"


def test_one_whose_steps_never_ran_is_settled_as_failed(engine):
    runs = engine(Detached)
    run = runs.start(training, stack="engine").id
    with pytest.raises(RunFailed, match="steps are missing"):
        runs.remote_steps.settle(run, None, awaited=False)
    assert set(statuses(runs, run).values()) == {"skipped"}


def test_to_settle_a_run_that_has_ended_does_nothing(engine):
    runs = engine(Engine)
    run = runs.start(training, stack="engine").id
    runs.remote_steps.settle(run, None, awaited=False)
    assert runs.get(run).status == "completed"


def test_a_run_goes_on_though_it_is_no_longer_waited_for(engine):
    runs = engine(Impatient)
    with pytest.raises(RunDetached, match="continues the run"):
        runs.start(training, stack="engine")
    assert runs.list()[0].status == "running"


def test_a_run_that_an_engine_executes_is_neither_resumed_nor_forgotten(engine, monkeypatch):
    runs = engine(Detached)
    run = runs.start(training, stack="engine").id
    with pytest.raises(RunBusy):
        runs.delete(run)
    monkeypatch.setattr(Detached, "is_executing", lambda self, reference: True)
    with pytest.raises(RunBusy):
        runs.resume(run, training)


def test_one_that_the_engine_has_lost_can_be_resumed(engine, monkeypatch):
    runs = engine(Detached)
    run = runs.start(training, stack="engine").id
    monkeypatch.setattr(Detached, "awaited", True)
    assert runs.resume(run, training).status == "completed"


# -- processes that should not have been started


def test_a_step_is_executed_once(engine):
    runs = engine(Detached)
    run = runs.start(training, stack="engine").id
    runs.remote_steps.execute(run, "load", None, None)
    with pytest.raises(StepNotRunnable, match="it is completed already"):
        runs.remote_steps.execute(run, "load", None, None)


def test_a_step_is_executed_after_those_above_it(engine):
    runs = engine(Detached)
    run = runs.start(training, stack="engine").id
    with pytest.raises(StepNotRunnable, match="step 'load' is pending"):
        runs.remote_steps.execute(run, "split", None, None)


def test_an_unknown_step_is_refused(engine):
    runs = engine(Detached)
    run = runs.start(training, stack="engine").id
    with pytest.raises(StepNotRunnable, match="it has load, split"):
        runs.remote_steps.execute(run, "nothing", None, None)


def test_no_step_begins_in_a_run_that_has_ended(engine):
    runs = engine(Interrupted)
    with pytest.raises(KeyboardInterrupt):
        runs.start(training, stack="engine")
    run = runs.list()[0].id
    with pytest.raises(RunEnded, match="it is cancelled"):
        runs.remote_steps.execute(run, "split", None, None)


def test_nothing_is_recorded_in_a_run_that_ends_while_a_step_is_executed(engine):
    runs = engine(Detached)

    @step(enable_cache=False)
    def slow() -> Annotated[int, "value"]:
        with pytest.raises(RunFailed):
            runs.remote_steps.settle(run, None, awaited=False)
        return 1

    def slowly():
        slow()

    PIPELINES[Pipeline(slowly).source] = Pipeline(slowly)
    run = runs.start(Pipeline(slowly), stack="engine").id
    with pytest.raises(RunEnded):
        runs.remote_steps.execute(run, "slow", None, None)
    assert statuses(runs, run) == {"slow": "skipped"}


# -- without running anything


def test_what_would_be_handed_over_can_be_read(engine):
    runs = engine(Engine)
    assert runs.document(training, stack="engine").startswith("training: load, split")
    assert runs.list() == []


def test_an_orchestrator_that_executes_steps_itself_hands_nothing_over(ws):
    with pytest.raises(InvalidPipeline, match="submits nothing to an engine"):
        ws.runs.document(training)
