"""A crew: the threads in which the steps of one run are executed, or waited for, at once."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue

from stackfold.application.ports import Execute, RunPlan, StepExecutor
from stackfold.application.runs.schedule import Schedule
from stackfold.infrastructure.flavors.step_executors import GRACE, InlineExecutor, StoppableExecutor

_PATIENCE = 2 * GRACE
"""Seconds to wait for the steps that were told to end."""
_GLANCE = 0.5

ExecutorFactory = Callable[[InlineExecutor], StepExecutor]
"""From the thread that waits for a step to the place where the step is executed."""


class WorkerPool:
    """Executes the steps of one run, several at once, each in a thread."""

    def __init__(
        self, plan: RunPlan, execute: Execute, new_executor: ExecutorFactory, limit: int
    ) -> None:
        """Prepare to execute a run.

        Args:
            plan: Its graph.
            execute: Executes one step.
            new_executor: Creates the executor of a step.
            limit: How many at once.
        """
        self._schedule = Schedule(plan)
        self._execute = execute
        self._new_executor = new_executor
        self._limit = limit
        self._alone = new_executor(InlineExecutor())
        self._running: dict[str, StoppableExecutor] = {}
        self._ended: SimpleQueue[tuple[str, BaseException | None]] = SimpleQueue()

    def run(self) -> None:
        """Execute every step; does and raises what `Orchestrator.run` says."""
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
            # Where Ctrl-C reaches another thread first, this one has to wake up to learn of it.
            with suppress(Empty):
                return self._ended.get(timeout=_GLANCE)

    def _begin(self) -> bool:
        """Begin what may begin; False if nothing is running after that."""
        while len(self._running) < self._limit:
            step = self._schedule.start_next()
            if step is None:
                break
            if not self._running and not self._schedule.has_more:
                # Nothing can be executed beside it: that needs no thread.
                self._note(step, self._outcome(step, self._alone))
            else:
                thread = self._running[step] = StoppableExecutor()
                # Not waited for when the program ends: a step that hangs may never end.
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
        """End what is running, and wait for it, but not for ever."""
        for thread in self._running.values():
            thread.stop()
        end = time.monotonic() + _PATIENCE
        while self._running and (left := end - time.monotonic()) > 0:
            try:
                step, error = self._ended.get(timeout=left)
            except Empty:
                break
            self._running.pop(step, None)
            if isinstance(error, Exception | SystemExit):
                self._schedule.failed(step, error)
        self._running.clear()
