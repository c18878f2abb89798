"""What every orchestrator must do."""

import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from stackfold.application.ports import Orchestrator, RunPlan, StepExecutor, StepStopped
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.run import StepDefinition

InterruptWhen = Callable[[Callable[[], bool]], AbstractContextManager[None]]
"""A condition → a block in which Ctrl-C is sent to this process once the condition holds."""

FAIL_FAST = FailureMode.FAIL_FAST
STOP = FailureMode.STOP_ON_FAILURE
CONTINUE = FailureMode.CONTINUE_ON_FAILURE


def plan(mode: FailureMode = FAIL_FAST, /, **upstream: tuple[str, ...]) -> RunPlan:
    """Step → the steps that must come before it, in topological order."""
    steps = tuple(StepDefinition(name=name, upstream=above) for name, above in upstream.items())
    return RunPlan(run="a run", pipeline="training", steps=steps, mode=mode)


DIAMOND = plan(load=(), left=("load",), right=("load",), join=("left", "right"))
FORK = {"load": (), "left": ("load",), "right": ("load",), "after_left": ("left",),
        "after_right": ("right",), "join": ("left", "right")}  # fmt: skip


class Steps:
    """Executes steps as a run does: in the given executor, and records the order."""

    def __init__(self, **calls: Callable[[], object]) -> None:
        """Step → what it does; the others return at once."""
        self.calls = calls
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.stopped: list[str] = []
        self.running, self.most = 0, 0
        self.turn = threading.Lock()

    def __call__(self, step: str, executor: StepExecutor | None = None) -> None:
        with self.turn:
            self.begun.append(step)
            self.running += 1
            self.most = max(self.most, self.running)
        call = self.calls.get(step, int)
        try:
            executor.execute(call) if executor else call()
        except StepStopped:
            self.stopped.append(step)
            raise
        finally:
            with self.turn:
                self.running -= 1
        self.ended.append(step)


def fail() -> None:
    """Fail at once."""
    raise ValueError("of the step")


def fail_late() -> None:
    """Fail a little later."""
    time.sleep(0.3)
    raise KeyError("of a later one")


def nap() -> None:
    """Take a little time."""
    time.sleep(0.2)


def nap_after(file: Path) -> None:
    """Return a little after a file was written."""
    while not file.exists():
        time.sleep(0.01)
    time.sleep(0.5)


def sleep_long() -> None:
    """Take ten minutes, in which it can be stopped."""
    for _ in range(12_000):
        time.sleep(0.05)


class OrchestratorContract:
    """Derive a class whose name begins with `Test`, and override the fixture `orchestrator`.

    Set `width` to the number of steps that it executes at once. Where steps leave this process
    they are sent as cloudpickle sends them; those here do nothing that could not be done elsewhere.
    """

    width = 1

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """An orchestrator that executes up to `width` steps at once."""
        raise NotImplementedError("override the fixture 'orchestrator'")

    # -- order

    def test_each_step_is_executed_once(self, orchestrator: Orchestrator) -> None:
        steps = Steps()
        orchestrator.run(DIAMOND, steps)
        assert sorted(steps.ended) == ["join", "left", "load", "right"]

    @pytest.mark.parametrize("seed", range(10))
    def test_a_step_is_executed_after_all_that_are_upstream_of_it(
        self, orchestrator: Orchestrator, seed: int
    ) -> None:
        chance = random.Random(seed)
        names = [f"step{number}" for number in range(20)]
        graph = {
            name: tuple(chance.sample(names[:index], k=min(index, chance.randrange(4))))
            for index, name in enumerate(names)
        }
        completed: set[str] = set()

        def execute(step: str, executor: StepExecutor | None = None) -> None:
            assert completed.issuperset(graph[step])
            completed.add(step)

        orchestrator.run(plan(**graph), execute)
        assert completed == set(names)

    def test_a_chain_may_be_long(self, orchestrator: Orchestrator) -> None:
        chain = {f"s{n}": (f"s{n - 1}",) if n else () for n in range(3000)}
        executed = []
        orchestrator.run(plan(**chain), lambda step, executor=None: executed.append(step))
        assert executed == list(chain)

    def test_an_orchestrator_serves_many_runs(self, orchestrator: Orchestrator) -> None:
        for _ in range(2):
            steps = Steps()
            orchestrator.run(plan(one=(), two=("one",)), steps)
            assert steps.ended == ["one", "two"]

    def test_a_plan_may_be_empty(self, orchestrator: Orchestrator) -> None:
        orchestrator.run(plan(), Steps())

    # -- how many at once

    def test_independent_steps_are_parallel_up_to_the_limit(
        self, orchestrator: Orchestrator
    ) -> None:
        steps = Steps(**{f"s{n}": nap for n in range(6)})
        orchestrator.run(plan(**{f"s{n}": () for n in range(6)}), steps)
        assert steps.most == min(self.width, 6)
        assert len(steps.ended) == 6

    def test_one_step_after_another_costs_no_thread(self, orchestrator: Orchestrator) -> None:
        threads = []
        chain = {f"s{n}": (f"s{n - 1}",) if n else () for n in range(5)}

        def execute(step: str, executor: StepExecutor | None = None) -> None:
            threads.append(threading.current_thread())

        orchestrator.run(plan(**chain), execute)
        assert set(threads) == {threading.current_thread()}

    def test_no_thread_is_left_behind(self, orchestrator: Orchestrator) -> None:
        before = threading.active_count()
        orchestrator.run(plan(**{f"s{n}": () for n in range(4)}), Steps())
        time.sleep(0.05)
        assert threading.active_count() == before

    def test_steps_begin_in_the_order_of_the_plan(self, orchestrator: Orchestrator) -> None:
        steps = Steps(**{f"s{n}": nap for n in range(4)})
        orchestrator.run(plan(**{f"s{n}": () for n in range(4)}), steps)
        first = steps.begun[: min(self.width, 4)]
        assert sorted(first) == [f"s{n}" for n in range(len(first))]

    # -- failure

    @pytest.mark.parametrize("mode", FailureMode)
    def test_a_failing_step_fails_the_run_with_what_it_raised(
        self, orchestrator: Orchestrator, mode: FailureMode
    ) -> None:
        error = ZeroDivisionError("of the step")

        def execute(step: str, executor: StepExecutor | None = None) -> None:
            if step == "left":
                raise error

        with pytest.raises(ZeroDivisionError) as caught:
            orchestrator.run(plan(mode, **FORK), execute)
        assert caught.value is error

    @pytest.mark.parametrize("mode", FailureMode)
    def test_nothing_downstream_of_a_failing_step_is_executed(
        self, orchestrator: Orchestrator, mode: FailureMode
    ) -> None:
        steps = Steps(left=fail)
        with pytest.raises(ValueError, match="of the step"):
            orchestrator.run(plan(mode, **FORK), steps)
        assert not {"join", "after_left"} & set(steps.begun)
        assert steps.begun.count("left") == 1

    def test_continuing_executes_all_that_does_not_need_the_failed_step(
        self, orchestrator: Orchestrator
    ) -> None:
        steps = Steps(left=fail)
        with pytest.raises(ValueError, match="of the step"):
            orchestrator.run(plan(CONTINUE, **FORK), steps)
        assert sorted(steps.ended) == ["after_right", "load", "right"]

    def test_stopping_lets_the_running_end_and_begins_nothing(
        self, orchestrator: Orchestrator, tmp_path: Path
    ) -> None:
        graph = {f"s{n}": () for n in range(self.width + 2)}
        failed = tmp_path / "failed"
        steps = Steps(**dict.fromkeys(graph, partial(nap_after, failed)) | {"s0": fail})

        def execute(step: str, executor: StepExecutor | None = None) -> None:
            try:
                steps(step, executor)
            except ValueError:
                failed.touch()
                raise

        with pytest.raises(ValueError, match="of the step"):
            orchestrator.run(plan(STOP, **graph), execute)
        assert set(steps.begun) <= {f"s{n}" for n in range(max(self.width, 1))}
        assert not steps.stopped
        assert set(steps.ended) == set(steps.begun) - {"s0"}

    def test_failing_fast_ends_the_running(self, orchestrator: Orchestrator) -> None:
        graph = {"s0": (), **{f"s{n}": () for n in range(1, self.width)}, "late": ()}
        steps = Steps(**dict.fromkeys(graph, sleep_long) | {"s0": fail_late})
        with pytest.raises(KeyError):
            orchestrator.run(plan(FAIL_FAST, **graph), steps)
        assert sorted(steps.stopped) == sorted(set(steps.begun) - {"s0"})
        assert "late" not in steps.begun

    def test_of_several_failures_the_first_in_the_plan_is_raised(
        self, orchestrator: Orchestrator
    ) -> None:
        steps = Steps(s0=fail_late, s1=fail)
        with pytest.raises(KeyError):
            orchestrator.run(plan(CONTINUE, s0=(), s1=()), steps)

    @pytest.mark.parametrize("mode", FailureMode)
    def test_a_step_that_exits_has_failed(
        self, orchestrator: Orchestrator, mode: FailureMode
    ) -> None:
        steps = Steps(left=lambda: sys.exit(3))
        with pytest.raises(SystemExit):
            orchestrator.run(plan(mode, **FORK), steps)
        assert "after_left" not in steps.begun

    # -- cancellation

    @pytest.mark.parametrize("mode", FailureMode)
    def test_an_interruption_in_a_step_ends_the_run(
        self, orchestrator: Orchestrator, mode: FailureMode
    ) -> None:
        def execute(step: str, executor: StepExecutor | None = None) -> None:
            if step == "left":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            orchestrator.run(plan(mode, **FORK), execute)

    @pytest.mark.parametrize("mode", FailureMode)
    def test_ctrl_c_ends_what_is_running_and_the_run(
        self, orchestrator: Orchestrator, mode: FailureMode, interrupt_when: InterruptWhen
    ) -> None:
        graph = {f"s{n}": () for n in range(self.width + 1)}
        steps = Steps(**dict.fromkeys(graph, sleep_long))
        with (
            interrupt_when(lambda: len(steps.begun) == self.width),
            pytest.raises(KeyboardInterrupt),
        ):
            orchestrator.run(plan(mode, **graph), steps)
        assert steps.running == 0
        assert not steps.ended
        assert f"s{self.width}" not in steps.begun

    @pytest.fixture
    def interrupt_when(self) -> InterruptWhen:
        """A function that returns a block, which Ctrl-C interrupts once a condition is true."""
        main, over = threading.get_ident(), threading.Event()

        @contextmanager
        def interrupted(condition: Callable[[], bool]) -> Iterator[None]:
            def watch() -> None:
                end = time.monotonic() + 60
                while not condition() and time.monotonic() < end:
                    if over.wait(0.01):
                        return
                signal.pthread_kill(main, signal.SIGINT)

            thread = threading.Thread(target=watch)
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()

        return interrupted

    # -- executors

    def test_an_executor_returns_what_the_call_returned(self, orchestrator: Orchestrator) -> None:
        came: list[object] = []

        def execute(step: str, executor: StepExecutor | None = None) -> None:
            assert executor is not None
            came.append(executor.execute(lambda: (1, "two")))
            came.append(executor.run_inline(lambda: [3]))

        orchestrator.run(plan(only=()), execute)
        assert came == [(1, "two"), [3]]

    def test_an_executor_ends_a_call_that_takes_too_long(self, orchestrator: Orchestrator) -> None:
        from stackfold.domain.errors import StepTimedOut

        def execute(step: str, executor: StepExecutor | None = None) -> None:
            assert executor is not None
            executor.execute(sleep_long, 0.3)

        with pytest.raises(StepTimedOut, match=r"it took longer than its 0\.3 seconds"):
            orchestrator.run(plan(one=(), other=()), execute)

    def test_an_executor_lets_a_call_end_in_time(self, orchestrator: Orchestrator) -> None:
        came = []

        def execute(step: str, executor: StepExecutor | None = None) -> None:
            assert executor is not None
            came.append(executor.execute(lambda: 7, 30))

        orchestrator.run(plan(only=()), execute)
        assert came == [7]
