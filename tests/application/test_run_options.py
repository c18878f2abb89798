"""Retries, time limits, hooks, failure modes, and steps that are executed at once."""

import functools
import os
import threading
import time
from contextlib import suppress

import pytest
from runnable import single

from stackfold.domain.component_type import ComponentType
from stackfold.domain.errors import InvalidPipeline, RunFailed, StepTimedOut
from stackfold.domain.options import FailureMode
from stackfold.domain.pipeline import Pipeline, step
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


def statuses(runs, run):
    return {each.name: each.status for each in runs.steps(run)}


class Watching:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def run_begins(self, run, steps, kept):
        self.told.append(("run", list(steps), list(kept)))

    def step_begins(self, step):
        self.told.append(("begins", step))

    def step_is_tried_again(self, step, attempt, reason, delay):
        self.told.append(("again", step, attempt, reason, delay))

    def step_ends(self, end):
        self.told.append((end.status, end.step, end.reason))

    def run_ends(self, status):
        self.told.append(("ends", status))


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
    watching = Watching()
    began = time.monotonic()
    pipeline = single(flaky(tmp_path / "tries", 2), retries=2, delay=0.1, backoff=3.0)
    runs.start(pipeline, watcher=watching)
    assert time.monotonic() - began > 0.4
    assert [each for each in watching.told if each[0] == "again"] == [
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
    for _ in range(600):
        time.sleep(0.05)


def hang_and_catch():
    for _ in range(600):
        with suppress(Exception):
            time.sleep(0.05)


@pytest.mark.parametrize("isolation", EVERYWHERE)
@pytest.mark.parametrize("function", [hang, hang_and_catch])
def test_a_step_that_takes_too_long_is_ended(runs, stacks, isolation, function):
    began = time.monotonic()
    with pytest.raises(RunFailed, match=r"longer than its 0\.5 seconds") as caught:
        runs.start(single(function, timeout=0.5), stack=isolation)
    assert time.monotonic() - began < 10
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


def fail_soon():
    time.sleep(0.3)
    raise ValueError("no")


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_failing_fast_cancels_the_running_and_skips_the_rest(runs, stacks, isolation):
    with pytest.raises(RunFailed) as caught:
        runs.start(independent(fail_soon, hang, hang), stack=isolation)
    steps = {each.name: (each.status, each.error) for each in runs.steps(caught.value.run)}
    assert steps == {
        "s0": ("failed", "ValueError: no"),
        "s1": ("cancelled", "step 's0' failed"),
        "s2": ("skipped", "step 's0' failed"),
    }


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_stopping_on_a_failure_lets_the_running_end(runs, stacks, isolation):
    def slow():
        time.sleep(0.6)

    with pytest.raises(RunFailed) as caught:
        runs.start(independent(fail_soon, slow, slow, mode="stop_on_failure"), stack=isolation)
    assert statuses(runs, caught.value.run) == {"s0": "failed", "s1": "completed", "s2": "skipped"}


def test_several_failures_are_all_recorded_and_the_first_in_the_graph_is_told(runs, stacks):
    def fail(number):
        raise ValueError(f"number {number}")

    functions = [lambda: fail(0), lambda: fail(1)]
    with pytest.raises(RunFailed, match="in step 's0': ValueError: number 0") as caught:
        runs.start(independent(*functions, mode="continue_on_failure"), stack="thread")
    assert statuses(runs, caught.value.run) == {"s0": "failed", "s1": "failed"}


# -- at once


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
    watching = Watching()

    def failing():
        raise ValueError("no")

    first, last = step(name="first")(lambda: 1), step(name="last")(lambda: 1)
    bad = step(name="bad")(failing)

    def three():
        first()
        bad()
        last()

    with pytest.raises(RunFailed):
        runs.start(Pipeline(three), watcher=watching)
    assert watching.told == [
        ("run", ["first", "bad", "last"], []),
        ("begins", "first"),
        ("completed", "first", ""),
        ("begins", "bad"),
        ("failed", "bad", "ValueError: no"),
        ("skipped", "last", "step 'bad' failed"),
        ("ends", "failed"),
    ]


@pytest.mark.parametrize("options", [{"retries": -1}, {"timeout": 0}, {"delay": -1.0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidPipeline):
        single(lambda: 1, **options)


def test_somebody_else_may_say_something_about_a_run_while_it_runs(tmp_path):
    """As when a run is tagged, by another process, while its steps are recorded."""
    from stackfold.domain.run import Run

    with Workspace.open(tmp_path) as here, Workspace.open(tmp_path) as there:
        # What is said has no effect; it takes a revision all the same.
        def meddle(call):
            (run,) = there.runs.list()
            there._parts.ledger.change(Run, run.id, lambda run: run.steps_skipped(("x",), "y"))

        run = here.runs.start(single(lambda: 1, on_start=meddle))
        assert here.runs.get(run.id).status == "completed"
