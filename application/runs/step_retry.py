"""StepRetry: executes a step until it succeeds or its retries are used up."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.ports import ArtifactStore, Result, StepExecutor, StepOperator
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.runs.cache import Cache
from stackfold.application.runs.captured_output import CapturedOutput
from stackfold.application.runs.context import RunFacts, metadata_on
from stackfold.application.runs.progress import ProgressListener
from stackfold.application.runs.run_link import RunLink, RunLog
from stackfold.application.runs.step_call import ExecutionResult, StepCall, one_line, trimmed
from stackfold.application.runs.step_components import StepComponents
from stackfold.application.runs.step_tracker import Tracked
from stackfold.application.runs.tracking import Trackers
from stackfold.domain.errors import OutputMismatch
from stackfold.domain.pipelines.graph import Node
from stackfold.domain.runs.artifact import Artifact

_POLL_INTERVAL = 0.1
"""Seconds between two checks whether the run was ended during a delay."""


class RunResources(NamedTuple):
    """What the steps of a run need to be executed."""

    store: ArtifactStore
    """Stores inputs and outputs."""
    materializers: Materializers
    """Write and read values."""
    operators: Mapping[str, StepOperator]
    """Step → the operator that executes it, instead of the orchestrator's executor."""
    listener: ProgressListener
    cache: Cache
    """Finds earlier executions."""
    trackers: Trackers
    """The experiment trackers of the run."""
    stores: Mapping[str, ArtifactStore] = {}
    """Reference of an artifact of an earlier run → its store, if that is another one."""
    log: RunLog | None = None
    """The log, for steps that save and load artifacts while they run."""
    components: StepComponents | None = None
    """The components of the run's stack, for steps and hooks that ask for one."""

    def call(
        self,
        run: RunFacts,
        node: Node,
        inputs: Mapping[str, Artifact],
        uses: Mapping[str, Artifact],
        tracked: Tracked | None,
        link: RunLink | None,
    ) -> StepCall:
        """Return the call that executes a step.

        Args:
            run: The run.
            node: The step.
            inputs: Input → its artifact.
            uses: Reference that the step declares → its artifact.
            tracked: Its experiment tracker.
            link: Reaches the log of the run.
        """
        stores = {
            name: self.stores[each.name]
            for name, each in (node.inputs.items() if self.stores else ())
            if not each.step and each.name in self.stores
        }
        return StepCall(
            run,
            node.name,
            node.step,
            node.arguments,
            inputs,
            node.gathered,
            self.store,
            self.materializers,
            tracked,
            node.check_outputs,
            stores,
            {text: (each, self.stores.get(text, self.store)) for text, each in uses.items()},
            link,
            self.components,
        )


class StepRetry:
    """The attempts to execute one step.

    Attributes:
        output: Captures what all attempts print and log.
        retried: The errors of the attempts before the last one, one line each.
    """

    def __init__(
        self, call: StepCall, run_resources: RunResources, check_open: Callable[[], None]
    ) -> None:
        """Create the retry loop of a step.

        Args:
            call: Executes the step once.
            run_resources: What the step needs.
            check_open: Called between attempts; raises if the run has ended.
        """
        self._call = call
        self._run_resources = run_resources
        self._check_open = check_open
        self.output = CapturedOutput(run_resources.store, call.node)
        self.retried: list[str] = []

    def execute(self, executor: StepExecutor) -> ExecutionResult:
        """Execute the step and return its result.

        Raises:
            BaseException: The error of the last attempt.
        """
        options = self._call.step.options
        operator = self._run_resources.operators.get(self._call.node)
        by_operator = partial(operator.execute, self._call, options.timeout) if operator else None
        while True:
            try:
                with self.output.capture():
                    if by_operator:
                        return executor.run_inline(by_operator)
                    return executor.execute(self._call, options.timeout)
            except BaseException as error:
                if is_interruption(error) or isinstance(error, OutputMismatch):
                    raise
                if len(self.retried) >= options.retries:
                    raise
                self.retried.append(one_line(trimmed(error)))
                self._record_saved(error)
            self._wait(options.delay * options.backoff ** (len(self.retried) - 1), executor)

    def _record_saved(self, error: BaseException) -> None:
        """Record what a failed attempt saved where it could not reach the log."""
        link, added = self._call.link, metadata_on(error)
        if link and added is not None:
            link.again = True
            for each in added.artifacts.saved:
                link.record(each.command(self._call.node))

    def _wait(self, delay: float, executor: StepExecutor) -> None:
        tries, reason = len(self.retried), self.retried[-1]
        self.output.write(f"-- attempt {tries} failed: {reason}\n")
        self._run_resources.listener.step_retried(self._call.node, tries + 1, reason, delay)
        end = time.monotonic() + delay
        while (left := end - time.monotonic()) > 0:
            executor.run_inline(partial(time.sleep, min(left, _POLL_INTERVAL)))
            self._check_open()


class _InlineExecutor:
    """Executes calls in the calling thread, without any way to stop them."""

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        return call()

    def run_inline(self, call: Callable[[], Result]) -> Result:
        return call()


INLINE: StepExecutor = _InlineExecutor()
