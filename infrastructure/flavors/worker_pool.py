"""WorkerPool: executes the steps of one run in parallel, each in a thread."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue

from stackfold.application.ports import Execute, RunPlan, StepExecutor
from stackfold.application.runs.schedule import Schedule
from stackfold.infrastructure.flavors.step_executors import GRACE, InlineExecutor, StoppableExecutor

STOP_TIMEOUT = 2 * GRACE
"""Seconds to wait for stopped steps to end, on this machine."""
_POLL_INTERVAL = 0.5
"""Seconds between two checks for a pending interruption."""

ExecutorFactory = Callable[[InlineExecutor], StepExecutor]
"""Creates the executor of a step, given the one of the thread that waits for it."""


class WorkerPool:
    """Executes the steps of one run in parallel, each in a thread."""

    def __init__(
        self,
        plan: RunPlan,
        execute: Execute,
        new_executor: ExecutorFactory,
        limit: int,
        stop_timeout: float = STOP_TIMEOUT,
    ) -> None:
        """Create the pool of one run.

        Args:
            plan: The steps of the run.
            execute: Executes one step.
            new_executor: Creates the executor of a step.
            limit: The maximum number of parallel steps.
            stop_timeout: Seconds to wait for stopped steps to end.
        """
        self._schedule = Schedule(plan)
        self._execute = execute
        self._new_executor = new_executor
        self._limit = limit
        self._stop_timeout = stop_timeout
        self._inline = new_executor(InlineExecutor())
        self._running: dict[str, StoppableExecutor] = {}
        self._ended: SimpleQueue[tuple[str, BaseException | None]] = SimpleQueue()

    def run(self) -> None:
        """Execute every step, as specified by `Orchestrator.run`."""
        try:
            while self._begin():
                self._note(*self._next())
                if self._schedule.must_stop_running:
                    self._stop()
        except BaseException:
            self._stop()
            raise
        if self._schedule.failure:
            raise self._schedule.failure

    def _next(self) -> tuple[str, BaseException | None]:
        while True:
            # Wake up regularly: Ctrl-C is only raised while this thread runs Python code.
            with suppress(Empty):
                return self._ended.get(timeout=_POLL_INTERVAL)

    def _begin(self) -> bool:
        """Start steps up to the limit; return whether any step is running."""
        while len(self._running) < self._limit:
            step = self._schedule.start_next()
            if step is None:
                break
            if not self._running and not self._schedule.has_more:
                # No other step can run in parallel, so no thread is needed.
                self._note(step, self._outcome(step, self._inline))
            else:
                thread = self._running[step] = StoppableExecutor()
                # A daemon: a step that hangs must not keep the program from ending.
                threading.Thread(
                    target=copy_context().run,
                    args=(self._work, step, self._new_executor(thread)),
                    name=f"step {step}",
                    daemon=True,
                ).start()
        return bool(self._running)

    def _work(self, step: str, executor: StepExecutor) -> None:
        self._ended.put((step, self._outcome(step, executor)))

    def _outcome(self, step: str, executor: StepExecutor) -> BaseException | None:
        try:
            self._execute(step, executor)
        except BaseException as error:
            return error
        return None

    def _note(self, step: str, error: BaseException | None) -> None:
        self._running.pop(step, None)
        if error is None:
            self._schedule.completed(step)
        elif isinstance(error, Exception | SystemExit):
            self._schedule.failed(step, error)
        else:
            raise error

    def _stop(self) -> None:
        """Stop the running steps, and wait for them for a bounded time."""
        for thread in self._running.values():
            thread.stop()
        end = time.monotonic() + self._stop_timeout
        while self._running and (left := end - time.monotonic()) > 0:
            try:
                step, error = self._ended.get(timeout=left)
            except Empty:
                break
            self._running.pop(step, None)
            if isinstance(error, Exception | SystemExit):
                self._schedule.failed(step, error)
        self._running.clear()
