"""StepRetry: trying a step until it succeeds, or its retries are used up."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.ports import ArtifactStore, Result, StepExecutor, StepOperator
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.runs.cache import Cache
from stackfold.application.runs.captured_output import CapturedOutput
from stackfold.application.runs.progress import ProgressListener
from stackfold.application.runs.step_call import ExecutionResult, StepCall, one_line, trimmed
from stackfold.application.runs.tracking import Trackers
from stackfold.domain.errors import OutputMismatch

_GLANCE = 0.1
"""Seconds between two looks whether a wait should end."""


class RunResources(NamedTuple):
    """What it takes to execute the steps of a run."""

    store: ArtifactStore
    """Where outputs go and inputs come from."""
    materializers: Materializers
    """What writes and reads them."""
    operators: Mapping[str, StepOperator]
    """Step → the operator that executes it; the others are executed where the orchestrator says."""
    listener: ProgressListener
    cache: Cache
    """What knows earlier executions."""
    trackers: Trackers
    """What is told of the run and of its steps."""


class StepRetry:
    """One step while it is tried.

    Attributes:
        output: What all attempts print and log.
        retried: What the attempts before the last one raised, each in one line.
    """

    def __init__(
        self, call: StepCall, run_resources: RunResources, must_go_on: Callable[[], None]
    ) -> None:
        """Try `call`; `must_go_on` is asked between attempts, and raises if there is no use."""
        self._call = call
        self._run_resources = run_resources
        self._must_go_on = must_go_on
        self.output = CapturedOutput(run_resources.store)
        self.retried: list[str] = []

    def answer(self, executor: StepExecutor) -> ExecutionResult:
        """What comes of the step.

        Raises:
            BaseException: What the last attempt raised.
        """
        options = self._call.step.options
        operator = self._run_resources.operators.get(self._call.node)
        elsewhere = partial(operator.execute, self._call, options.timeout) if operator else None
        while True:
            try:
                with self.output.capture():
                    if elsewhere:
                        return executor.run_inline(elsewhere)
                    return executor.execute(self._call, options.timeout)
            except BaseException as error:
                if is_interruption(error) or isinstance(error, OutputMismatch):
                    raise
                if len(self.retried) >= options.retries:
                    raise
                self.retried.append(one_line(trimmed(error)))
            self._wait(options.delay * options.backoff ** (len(self.retried) - 1), executor)

    def _wait(self, delay: float, executor: StepExecutor) -> None:
        tries, reason = len(self.retried), self.retried[-1]
        self.output.write(f"-- attempt {tries} failed: {reason}\n")
        self._run_resources.listener.step_retried(self._call.node, tries + 1, reason, delay)
        end = time.monotonic() + delay
        while (left := end - time.monotonic()) > 0:
            executor.run_inline(partial(time.sleep, min(left, _GLANCE)))
            self._must_go_on()


class _InlineExecutor:
    """The thread that asks; there is nobody who could end what it executes."""

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        return call()

    def run_inline(self, call: Callable[[], Result]) -> Result:
        return call()


INLINE: StepExecutor = _InlineExecutor()
