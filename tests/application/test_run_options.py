"""Retries, time limits, hooks, failure modes, and steps that are executed at once."""

import functools
import os
import threading
import time
from contextlib import suppress

import pytest
from runnable import RecordingListener, single

from stackfold.domain.errors import InvalidPipeline, RunFailed, StepTimedOut
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

ORCHESTRATOR = ComponentType.ORCHESTRATOR
MODES = [mode.value for mode in FailureMode]
EVERYWHERE = ("inline", "thread", "process")


@pytest.fixture
def stacks(workspace):
    """A stack for each isolation, called so."""
    for isolation in EVERYWHERE:
        configuration = {"isolation": isolation, "max_parallel": 2}
        workspace.components.register(ORCHESTRATOR, isolation, "local", configuration)
        workspace.stacks.register(isolation, orchestrator=isolation, artifact_store="default")


# -- retries


def flaky(path, failures):
    """A step function that fails some times; it counts in a file, other processes too."""

    def work() -> int:
        with open(path, "a") as file:
            file.write("x")
        tries = os.path.getsize(path)
        if tries <= failures:
            raise OSError(f"not yet, at {tries}")
        return tries

    return work


@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_a_step_is_tried_again_until_it_succeeds(runs, stacks, tmp_path, isolation):
    run = runs.start(single(flaky(tmp_path / "tries", 2), retries=3), stack=isolation)
    assert runs.load(run.id, "only") == 3
    (only,) = runs.steps(run.id)
    assert only.retried == ["OSError: not yet, at 1", "OSError: not yet, at 2"]


def test_a_step_fails_when_its_retries_are_used_up(runs, tmp_path):
    with pytest.raises(RunFailed, match="OSError: not yet, at 3") as caught:
        runs.start(single(flaky(tmp_path / "tries", 9), retries=2))
    (only,) = runs.steps(caught.value.run)
    assert (only.status, len(only.retried)) == ("failed", 2)


def test_between_attempts_it_waits_longer_and_longer(runs, tmp_path):
    listener = RecordingListener()
    began = time.monotonic()
    pipeline = single(flaky(tmp_path / "tries", 2), retries=2, delay=0.1, backoff=3.0)
    runs.start(pipeline, listener=listener)
    assert time.monotonic() - began > 0.4
    assert [each for each in listener.events if each[0] == "again"] == [
        ("again", "only", 2, "OSError: not yet, at 1", 0.1),
        ("again", "only", 3, "OSError: not yet, at 2", pytest.approx(0.3)),
    ]


def test_an_interruption_is_not_tried_again(runs, tmp_path):
    tries = []

    def interrupted():
        tries.append(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.start(single(interrupted, retries=5))
    assert tries == [1]


# -- time limits


def hang():
    for _ in range(12_000):
        time.sleep(0.05)


def hang_and_catch():
    for _ in range(12_000):
        with suppress(Exception):
            time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("isolation", EVERYWHERE)
@pytest.mark.parametrize("function", [hang, hang_and_catch])
def test_a_step_that_takes_too_long_is_ended(runs, stacks, isolation, function):
    # A process must have begun with the step by then, on a busy machine too.
    timeout = 5 if isolation == "process" else 0.5
    with pytest.raises(RunFailed, match=f"longer than its {timeout} seconds") as caught:
        runs.start(single(function, timeout=timeout), stack=isolation)
    assert isinstance(caught.value.__cause__, StepTimedOut)
    assert f"in {function.__name__}" in caught.value.traceback  # where it was


def test_a_timeout_away_from_the_main_thread_ends_the_step_too(runs):
    came = []

    def work():
        try:
            runs.start(single(hang, timeout=0.3))
        except RunFailed as failed:
            came.append(failed)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert isinstance(came[0].__cause__, StepTimedOut)


def test_each_attempt_has_its_own_time(runs):
    with pytest.raises(RunFailed) as caught:
        runs.start(single(hang, timeout=0.2, retries=1))
    (only,) = runs.steps(caught.value.run)
    assert only.retried == ["the step was stopped: it took longer than its 0.2 seconds"]


# -- hooks


def noting(notes):
    """Hooks that note which of them was called, with what."""
    names = ("on_start", "on_success", "on_failure", "on_end")

    def note(name, call):
        error = type(call.error).__name__ if call.error else None
        notes.append((name, call.step, call.status, error))

    return {name: functools.partial(note, name) for name in names}


def only_one(used):
    def connect():
        used()

    return connect


def test_hooks_are_called_around_a_step_and_its_run(runs):
    notes = []
    only = step(name="only", **noting(notes))(lambda: 1)
    runs.start(Pipeline(only_one(only), name="hooked", **noting(notes)))
    assert notes == [
        ("on_start", "", "running", None),
        ("on_start", "only", "running", None),
        ("on_success", "only", "completed", None),
        ("on_end", "only", "completed", None),
        ("on_success", "", "completed", None),
        ("on_end", "", "completed", None),
    ]


def test_hooks_are_told_of_a_failure(runs):
    notes = []
    only = step(name="only", **noting(notes))(lambda: 1 / 0)
    with pytest.raises(RunFailed):
        runs.start(Pipeline(only_one(only), name="hooked", **noting(notes)))
    assert [note for note in notes if note[0] != "on_start"] == [
        ("on_failure", "only", "failed", "ZeroDivisionError"),
        ("on_end", "only", "failed", "ZeroDivisionError"),
        ("on_failure", "", "failed", "ZeroDivisionError"),
        ("on_end", "", "failed", "ZeroDivisionError"),
    ]


def test_what_a_hook_is_told_of_is_recorded_already(runs):
    seen = []

    def look(call):
        seen.append([each.status for each in runs.steps(call.run)])

    runs.start(single(lambda: 1, on_success=look))
    assert seen == [["completed"]]


def test_a_failing_hook_is_told_loudly_and_changes_nothing(runs, caplog):
    def broken():
        raise RuntimeError("in the hook")

    run = runs.start(single(lambda: 1, on_start=broken, on_success=broken, on_end=broken))
    assert run.status == "completed"
    assert [each.getMessage() for each in caplog.records] == [
        f"the hook on_{event} of step 'only' failed; the run goes on"
        for event in ("start", "success", "end")
    ]
    assert "in the hook" in caplog.text


@pytest.mark.parametrize("options", [{"retries": -1}, {"timeout": 0}, {"delay": -1.0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidPipeline):
        single(lambda: 1, **options)


def test_somebody_else_may_say_something_about_a_run_while_it_runs(tmp_path):
    """As when a run is tagged, by another process, while its steps are recorded."""
    from stackfold.domain.runs.run import Run

    with Workspace.open(tmp_path) as here, Workspace.open(tmp_path) as there:
        # What is said has no effect; it takes a revision all the same.
        def meddle(call):
            (run,) = there.runs.list()
            there._services.repository.change(
                Run, run.id, lambda run: run.steps_skipped(("x",), "y")
            )

        run = here.runs.start(single(lambda: 1, on_start=meddle))
        assert here.runs.get(run.id).status == "completed"
