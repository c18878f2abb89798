"""Whatever a step raises is that step's failure, unless it interrupts the run."""

import asyncio
import sys

import pytest
from runnable import load, single

from stackfold.application.artifacts.own_materializers import materializer
from stackfold.domain.errors import InvalidOutput, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType


@step
def forget(value: list[int]) -> None:
    pass


class Panic(BaseException):
    """As those of Rust, which derive from BaseException alone."""


class Speechless(ValueError):
    def __str__(self):
        raise RuntimeError("no text")


def panic():
    raise Panic("index out of bounds")


def cancel():
    raise asyncio.CancelledError


def fail_a_test():
    pytest.fail("not what was expected")


def stop_generating():
    raise GeneratorExit


def fail_without_text():
    raise Speechless


FAILURES = (
    (panic, "Panic: index out of bounds"),
    (cancel, "CancelledError"),
    (fail_a_test, "Failed: not what was expected"),
    (stop_generating, "GeneratorExit"),
    (fail_without_text, "Speechless: (its text cannot be made: RuntimeError)"),
)
CASES = [
    *(("inline", *each) for each in FAILURES),
    ("thread", *FAILURES[0]),
    *(("process", *each) for each in (FAILURES[0], FAILURES[-1])),
    ("operator", *FAILURES[0]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("stack", "function", "line"), CASES)
def test_a_step_has_failed_whatever_it_raises(runs, workspace, stack, function, line):
    isolation = "inline" if stack == "operator" else stack
    configuration = {"isolation": isolation, "max_parallel": 2}
    workspace.components.register(ComponentType.ORCHESTRATOR, "o", "local", configuration)
    workspace.components.register(ComponentType.STEP_OPERATOR, "s", "local")
    workspace.stacks.register(stack, orchestrator="o", artifact_store="default", step_operator="s")
    called = []
    odd = step(
        name="odd",
        step_operator=stack == "operator",
        retries=1,
        on_failure=lambda call: called.append(call.step),
        on_end=lambda call: called.append(call.status),
    )(function)

    def work():
        odd()
        forget(load())

    with pytest.raises(RunFailed) as caught:
        runs.start(Pipeline(work, failure_mode="continue_on_failure"), stack=stack)
    assert (caught.value.step, caught.value.error) == ("odd", line)
    assert type(caught.value.__cause__).__name__ == line.partition(":")[0]
    run = runs.describe(caught.value.run)
    assert [(each.name, each.status) for each in run.steps] == [
        ("odd", "failed"),
        ("load", "completed"),
        ("forget", "completed"),
    ]
    failed = run.steps[0]
    assert (failed.error, failed.retried) == (line, [line])
    assert f"in {function.__name__}" in failed.traceback
    assert called == ["odd", "failed"]


def test_a_value_that_panics_when_it_is_stored_fails_its_step(runs):
    class Fragile:
        def __reduce__(self):
            raise Panic("cannot be written")

    def make():
        return Fragile()

    with pytest.raises(RunFailed, match="'output' that cannot be stored: cannot be written") as it:
        runs.start(single(make))
    assert isinstance(it.value.__cause__, InvalidOutput)


def test_a_value_that_panics_when_it_is_read_fails_the_step_that_takes_it(runs, monkeypatch):
    class Frame:
        pass

    @materializer(for_type=Frame)
    class Frames:
        def write(self, value, file):
            file.write(b"x")

        def read(self, file):
            raise Panic("cannot be read")

    @step
    def make() -> Frame:
        return Frame()

    @step
    def take(frame: Frame) -> int:
        return 1

    def work():
        take(make())

    with pytest.raises(RunFailed, match="cannot be read: Panic: cannot be read"):
        runs.start(Pipeline(work))


def test_a_hook_that_panics_changes_no_outcome(runs, caplog):
    run = runs.start(single(lambda: 1, on_success=panic))
    assert run.status == "completed"
    assert "index out of bounds" in caplog.text


def test_a_step_that_exits_in_another_mode_lets_the_others_go_on(runs):
    leave = step(name="leave")(lambda: sys.exit(3))

    def work():
        leave()
        forget(load())

    with pytest.raises(RunFailed, match="SystemExit: 3") as caught:
        runs.start(Pipeline(work, failure_mode="continue_on_failure"))
    assert [each.status for each in runs.steps(caught.value.run)][1:] == ["completed"] * 2
