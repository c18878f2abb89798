"""What becomes of the other steps when one fails, steps that are executed at once, who is told."""

import os
import time

import pytest
from runnable import RecordingListener, single

from stackfold.domain.errors import RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType

ORCHESTRATOR = ComponentType.ORCHESTRATOR
EVERYWHERE = ("inline", "thread", "process")


@pytest.fixture
def stacks(workspace):
    """A stack for each isolation, called so."""
    for isolation in EVERYWHERE:
        configuration = {"isolation": isolation, "max_parallel": 2}
        workspace.components.register(ORCHESTRATOR, isolation, "local", configuration)
        workspace.stacks.register(isolation, orchestrator=isolation, artifact_store="default")


def statuses(runs, run):
    return {each.name: each.status for each in runs.steps(run)}


def hang():
    for _ in range(600):
        time.sleep(0.05)


# -- failure modes


def test_steps_that_need_the_failed_one_are_skipped_and_others_go_on(runs, stacks):
    def work(value: int = 0) -> int:
        return value

    def failing(value: int) -> int:
        raise ValueError("no")

    first, bad = step(name="first")(work), step(name="bad")(failing)

    def branching():
        data = first()
        step(name="below")(work)(step(name="after")(work)(bad(data)))
        step(name="other")(work)(data)

    pipeline = Pipeline(branching, failure_mode="continue_on_failure")
    with pytest.raises(RunFailed, match="in step 'bad'") as caught:
        runs.start(pipeline)
    steps = {each.name: (each.status, each.error) for each in runs.steps(caught.value.run)}
    assert steps == {
        "first": ("completed", ""),
        "bad": ("failed", "ValueError: no"),
        "after": ("skipped", "step 'bad' failed"),
        "below": ("skipped", "step 'bad' failed"),
        "other": ("completed", ""),
    }


def independent(*functions, mode="fail_fast"):
    """A pipeline of steps s0, s1, … that need nothing of each other."""
    steps = [step(name=f"s{n}")(function) for n, function in enumerate(functions)]

    def beside():
        for each in steps:
            each()

    return Pipeline(beside, failure_mode=mode)


def wait_for(path):
    end = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{path} never came")
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_failing_fast_cancels_the_running_and_skips_the_rest(runs, stacks, tmp_path, isolation):
    def fail():
        wait_for(tmp_path / "other runs")
        raise ValueError("no")

    def begin_and_hang():
        (tmp_path / "other runs").touch()
        hang()

    with pytest.raises(RunFailed) as caught:
        runs.start(independent(fail, begin_and_hang, hang), stack=isolation)
    steps = {each.name: (each.status, each.error) for each in runs.steps(caught.value.run)}
    assert steps == {
        "s0": ("failed", "ValueError: no"),
        "s1": ("cancelled", "step 's0' failed"),
        "s2": ("skipped", "step 's0' failed"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_stopping_on_a_failure_lets_the_running_end(runs, stacks, tmp_path, isolation):
    def fail():
        wait_for(tmp_path / "other runs")
        raise ValueError("no")

    def end_after_the_failure():
        (tmp_path / "other runs").touch()
        wait_for(tmp_path / "failure is known")

    class FailureSignal(RecordingListener):
        def step_ended(self, end):
            if end.status == "failed":
                (tmp_path / "failure is known").touch()

    functions = (fail, end_after_the_failure, end_after_the_failure)
    pipeline = independent(*functions, mode="stop_on_failure")
    with pytest.raises(RunFailed) as caught:
        runs.start(pipeline, stack=isolation, listener=FailureSignal())
    assert statuses(runs, caught.value.run) == {"s0": "failed", "s1": "completed", "s2": "skipped"}


def test_several_failures_are_all_recorded_and_the_first_in_the_graph_is_told(runs, stacks):
    def fail(number):
        raise ValueError(f"number {number}")

    functions = [lambda: fail(0), lambda: fail(1)]
    with pytest.raises(RunFailed, match="in step 's0': ValueError: number 0") as caught:
        runs.start(independent(*functions, mode="continue_on_failure"), stack="thread")
    assert statuses(runs, caught.value.run) == {"s0": "failed", "s1": "failed"}


# -- at once


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_independent_steps_are_executed_at_once(runs, stacks, tmp_path, isolation):
    def meet(mine: str, other: str) -> bool:
        (tmp_path / mine).touch()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if (tmp_path / other).exists():
                return True
            time.sleep(0.01)
        return False

    first, second = step(name="first")(meet), step(name="second")(meet)

    def meeting():
        first("a", "b")
        second("b", "a")

    run = runs.start(Pipeline(meeting), stack=isolation)
    assert runs.load(run.id, "first") is runs.load(run.id, "second") is True


@pytest.mark.slow
@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_values_flow_alike_everywhere(runs, stacks, isolation):
    @step
    def number(value: int) -> int:
        return value

    @step
    def total(one: int, two: int, three: int) -> int:
        return one * 100 + two * 10 + three

    def adding():
        total(number(1), number(2), number(3))

    run = runs.start(Pipeline(adding), stack=isolation)
    assert runs.load(run.id, "total") == 123
    assert list(statuses(runs, run.id)) == ["number", "number_2", "number_3", "total"]


def test_a_step_that_leaves_the_process_fails_its_run_only(runs, stacks):
    with pytest.raises(RunFailed, match="ended with exit code 9 and no result"):
        runs.start(single(lambda: os._exit(9)), stack="process")


# -- who is told


def test_a_watcher_is_told_how_the_run_comes_along(runs):
    listener = RecordingListener()

    def failing():
        raise ValueError("no")

    first, last = step(name="first")(lambda: 1), step(name="last")(lambda: 1)
    bad = step(name="bad")(failing)

    def three():
        first()
        bad()
        last()

    with pytest.raises(RunFailed):
        runs.start(Pipeline(three), listener=listener)
    assert listener.events == [
        ("run", ["first", "bad", "last"], []),
        ("begins", "first"),
        ("completed", "first", ""),
        ("begins", "bad"),
        ("failed", "bad", "ValueError: no"),
        ("skipped", "last", "step 'bad' failed"),
        ("ends", "failed"),
    ]


# -- what is told of an error


@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_a_traceback_tells_file_and_line_wherever_the_step_is_executed(runs, stacks, isolation):
    def failing() -> int:
        raise ValueError("no")

    with pytest.raises(RunFailed) as caught:
        runs.start(single(failing), stack=isolation)
    line = failing.__code__.co_firstlineno + 1
    assert caught.value.traceback.splitlines()[1:3] == [
        f'  File "{__file__}", line {line}, in failing',
        '    raise ValueError("no")',
    ]
