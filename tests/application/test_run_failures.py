"""A run that fails says where and why, and leaves a record of what was done."""

import os
import sys
import threading
from typing import Annotated, Any

import pytest
from runnable import forget, load, single, total, training

from stackfold.domain.errors import (
    ArtifactDamaged,
    ArtifactStoreUnavailable,
    InvalidOutput,
    NotFound,
    RunFailed,
    StepProcessDied,
)
from stackfold.domain.pipelines.pipeline import Pipeline, step


def broken(data):
    raise KeyError("in the step")


def failing():
    """A pipeline whose second step fails."""
    breaking = step(broken)

    def work():
        forget(breaking(load()))

    return Pipeline(work)


def test_a_failing_step_fails_the_run_with_its_own_traceback(runs):
    with pytest.raises(RunFailed) as caught:
        runs.start(failing())
    (run,) = runs.list()
    failed = caught.value
    assert str(failed) == f"run {run.name!r} failed in step 'broken': KeyError: 'in the step'"
    assert isinstance(failed.__cause__, KeyError)
    # the first frame is the step's
    assert failed.__cause__.__traceback__.tb_frame.f_code is broken.__code__
    lines = failed.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith(", in broken")
    assert lines[-1] == "KeyError: 'in the step'"


def test_a_failure_is_recorded(runs):
    with pytest.raises(RunFailed) as caught:
        runs.start(failing())
    run = runs.describe(caught.value.run)
    assert (run.status, run.error) == ("failed", "KeyError: 'in the step'")
    assert [(each.name, each.status) for each in run.steps] == [
        ("load", "completed"),
        ("broken", "failed"),
        ("forget", "skipped"),
    ]
    assert run.steps[2].error == "step 'broken' failed"
    assert run.steps[1].error == "KeyError: 'in the step'"
    assert run.steps[1].traceback == caught.value.traceback
    assert run.ended is not None


def test_what_a_failed_run_produced_can_be_loaded(runs):
    with pytest.raises(RunFailed) as caught:
        runs.start(failing())
    assert runs.load(caught.value.run, "load") == [0, 1, 2, 3]
    with pytest.raises(NotFound, match=r"step 'broken' of run .* produced nothing"):
        runs.load(caught.value.run, "broken")


def test_a_step_that_exits_fails_the_run(runs):
    with pytest.raises(RunFailed, match="SystemExit: 3"):
        runs.start(single(lambda: sys.exit(3)))


def test_an_interruption_is_recorded_and_goes_on(runs):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.start(single(interrupted))
    (run,) = runs.list()
    assert run.status == "cancelled"
    assert runs.describe(run.id).error == "KeyboardInterrupt"
    assert runs.steps(run.id)[0].status == "cancelled"


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        ((1, 2, 3), "returned 3 values where it declares left, right"),
        (5, "returned an int where it declares left, right"),
        ((1, threading.Lock()), "returned a lock as 'right' that cannot be stored: cannot pickle"),
    ],
)
def test_a_wrong_output_fails_the_run(runs, returned, problem):
    def make() -> tuple[Annotated[int, "left"], Annotated[Any, "right"]]:
        return returned

    with pytest.raises(RunFailed, match=problem) as caught:
        runs.start(single(make))
    assert isinstance(caught.value.__cause__, InvalidOutput)


def test_a_store_that_cannot_be_used_fails_the_run_in_one_line(workspace, runs, other_stack):
    other_stack.write_text("a file, not a folder")
    with pytest.raises(RunFailed) as caught:
        runs.start(training, stack="other")
    assert isinstance(caught.value.__cause__, ArtifactStoreUnavailable)
    assert "\n" not in str(caught.value)
    assert len(caught.value.traceback.splitlines()) == 1


def test_an_error_with_a_text_that_no_record_can_hold_is_recorded(runs):
    def fail():
        raise ValueError("half a pair: \ud800")

    with pytest.raises(RunFailed, match=r"half a pair: \\ud800"):
        runs.start(single(fail))


def test_a_damaged_artifact_is_not_handed_on(runs, workspace):
    @step
    def spoil(value: list[int]) -> int:
        folder = workspace.home / "artifacts"
        for path in folder.glob("??/*"):
            path.write_bytes(b"[9]")
        return 1

    def spoiled():
        data = load()
        total(data, factor=spoil(data))

    with pytest.raises(RunFailed) as caught:
        runs.start(Pipeline(spoiled))
    assert isinstance(caught.value.__cause__, ArtifactDamaged)


def test_a_step_that_fails_elsewhere_fails_the_run_with_its_own_traceback(runs, other_stack):
    def fail():
        return 1 / 0

    with pytest.raises(RunFailed, match="ZeroDivisionError: division by zero") as caught:
        runs.start(single(fail, step_operator=True), stack="other")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    lines = caught.value.traceback.splitlines()
    assert lines[1].endswith(", in fail")
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_step_process_that_is_killed_fails_the_run(runs, other_stack):
    def die():
        os.kill(os.getpid(), 9)

    with pytest.raises(RunFailed, match="ended with signal 9 and no result") as caught:
        runs.start(single(die, step_operator=True), stack="other")
    assert isinstance(caught.value.__cause__, StepProcessDied)
    assert runs.get(caught.value.run).status == "failed"
