"""Execution: executes the steps of one run, and records the outcome of each."""

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stackfold.application.ports import RunPlan, StepExecutor, StepStopped
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.runs.cache import CacheHit
from stackfold.application.runs.context import RunFacts, StepMetadata, metadata_on
from stackfold.application.runs.hooks import HookCall, call_hook
from stackfold.application.runs.input_artifacts import InputArtifacts
from stackfold.application.runs.linked_version import LinkedVersion
from stackfold.application.runs.outcomes import cancellation, completion, failing, skip
from stackfold.application.runs.progress import ProgressListener, StepEnd
from stackfold.application.runs.run_link import RunLink
from stackfold.application.runs.run_recorder import Command, RunRecorder
from stackfold.application.runs.run_views import StepView
from stackfold.application.runs.running_steps import RunningSteps
from stackfold.application.runs.schedule import skipped
from stackfold.application.runs.step_artifacts import StepFacts, UsedModel, linking
from stackfold.application.runs.step_call import ExecutionResult, Failure, one_line
from stackfold.application.runs.step_retry import INLINE, RunResources, StepRetry
from stackfold.application.runs.step_tracker import RECORD
from stackfold.application.runs.tracking import Tracking, tracked_run
from stackfold.domain.errors import RemoteStepFailed, RunFailed, StackfoldError
from stackfold.domain.pipelines.declared_model import Model
from stackfold.domain.pipelines.graph import Graph, Node
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.pin import Pin, PinnedArtifact
from stackfold.domain.runs.run import Run, StepDefinition, StepLog


class Execution:
    """One run while it runs; several threads may execute its steps at once."""

    def __init__(
        self,
        run: Run,
        graph: Graph,
        pin: Pin,
        recorder: RunRecorder,
        run_resources: RunResources,
        completed: Mapping[str, tuple[Artifact, ...]],
        references: Mapping[str, PinnedArtifact],
        model: LinkedVersion | None,
    ) -> None:
        """Create the execution of a run.

        Args:
            run: The started or resumed run.
            graph: Its steps.
            pin: The stack that it uses.
            recorder: Records its events.
            run_resources: What its steps need.
            completed: Step → its outputs, for steps that completed before the run was resumed.
            references: Reference → the artifact of an earlier run that it stands for.
            model: The version of a model that it makes or continues; None for none.
        """
        self._id, self._name = str(run.id), run.name
        taken = graph.options.from_stack
        self._facts = RunFacts(
            self._id, run.name, graph.pipeline, pin, run.created_on, model, taken
        )
        self._graph = graph
        recorded: Any = run.metadata.get(RECORD)
        self._recorded = recorded if isinstance(recorded, dict) else {}
        facts = tracked_run(self._facts, graph)
        self._tracking = Tracking(run_resources.trackers, facts, self._recorded)
        self._recorder = recorder
        self._run_resources = run_resources
        self._nodes = {node.name: node for node in graph.nodes}
        self._lock = threading.RLock()
        self.running = RunningSteps()
        self._ended: dict[str, str] = dict.fromkeys(completed, "completed")
        self._failures: dict[str, Failure] = {}
        self._closed = False
        executing = [node for node in graph.nodes if node.name not in completed]
        self._inputs = InputArtifacts(executing)
        for step, outputs in completed.items():
            self._inputs.add(step, outputs)
        self._pinned = {text: each.artifact for text, each in references.items()}
        self._inputs.pin(self._pinned)
        self._is_resumed = run.version > 1

    @property
    def plan(self) -> RunPlan:
        """The steps for the orchestrator to execute: all that have not completed."""
        steps = tuple(
            StepDefinition(
                name=node.name,
                upstream=tuple(step for step in node.upstream if step not in self._ended),
            )
            for node in self._graph.nodes
            if node.name not in self._ended
        )
        mode = self._graph.options.failure_mode or FailureMode.FAIL_FAST
        return RunPlan(self._id, self._graph.pipeline, steps, mode)

    @property
    def listener(self) -> ProgressListener:
        """Receives progress events."""
        return self._run_resources.listener

    @property
    def has_completed(self) -> bool:
        """Whether every step has completed."""
        return all(self._ended.get(name) == "completed" for name in self._nodes)

    def note_remote(self, steps: Iterable[StepView]) -> bool:
        """Note steps that other processes executed; return whether one has failed."""
        for step in steps:
            if step.status == "pending" or step.name in self._ended:
                continue
            done = step.status in ("completed", "cached")
            self._ended[step.name] = "completed" if done else step.status
            if step.status == "failed":
                cause = RemoteStepFailed(step.error, step.traceback)
                self._failures[step.name] = Failure(cause, None, step.error, step.traceback)
            self.listener.step_started(step.name)
            self.listener.step_ended(StepEnd(step.name, step.status, step.seconds, step.error))
        return bool(self._failures)

    def begin(self) -> None:
        """Notify listeners, hooks and trackers that the run begins.

        Raises:
            TrackerUnavailable: A strict experiment tracker cannot be reached.
        """
        steps = [node.name for node in self._graph.nodes]
        self._run_resources.listener.run_started(self._name, steps, list(self._ended))
        self._call_run_hook("start", "running")
        self._begin_tracking()

    def execute(self, name: str, executor: StepExecutor | None = None, /) -> None:
        """Execute a step and record its outcome.

        Raises:
            BaseException: What the step raised.
        """
        node = self._nodes[name]
        started, inputs = self._begin(node)
        # Recorded even if the step is not read from the cache: its outputs are then the latest.
        uses = {text: self._pinned[text] for text in node.uses}
        key = self._run_resources.cache.key(node, inputs, uses)
        hit = self._run_resources.cache.find(key) if node.cache else None
        used = StepFacts({text: each.id for text, each in uses.items()})
        if hit and self._uses_model_of(hit, node, used):
            result = hit.result._replace(artifacts=used)
            self._succeed(node, started, inputs, result, key=key, cached_from=hit.run)
            return
        call = self._run_resources.call(
            self._facts, node, inputs, uses, self._tracking.of(node), self._link(node)
        )
        retry = StepRetry(call, self._run_resources, self._must_be_open)
        self.running.outputs[name] = retry.output
        try:
            self._call_hook(node, "start", "running")
            result = retry.execute(executor or INLINE)
        except BaseException as error:
            self._fail(node, started, error, retry)
            raise
        log, retried = retry.output.close(), tuple(retry.retried)
        if result.artifacts.undeclared:
            key = ""  # another execution could load another artifact
        self._succeed(node, started, inputs, result, key=key, log=log, retried=retried)

    def end_tracking(self) -> None:
        """Notify the experiment trackers that every step completed.

        Raises:
            TrackerUnavailable: A strict tracker cannot be reached; the run has failed.
        """
        self._tracking.end("completed")

    def complete(self) -> None:
        """Record that every step completed."""
        self._recorder.record(lambda run: run.complete())
        self._notify_end("completed", "success")

    def fail(self, error: BaseException) -> RunFailed:
        """Record that the run failed, and return the error to raise.

        Args:
            error: What the orchestrator raised, usually the error of a step.
        """
        step = self._failed_step
        failure = self._failures[step] if step else Failure.of(error)
        reason = f"step {step!r} failed" if step else "the run failed"
        self._end(reason, lambda run: run.fail(failure.error))
        self._notify_end("failed", "failure", failure.cause)
        failed = RunFailed(self._name, step, failure.error, failure.traceback)
        failed.__cause__ = failure.cause.with_traceback(failure.frames)
        return failed

    def cancel(self, interruption: BaseException) -> None:
        """Record that the run was cancelled by `interruption`."""
        reason = one_line(interruption)
        self._end("the run was cancelled", lambda run: run.cancel(reason))
        self._notify_end("cancelled", "", interruption)

    # -- one step

    def _begin(self, node: Node) -> tuple[datetime, dict[str, Artifact]]:
        started = datetime.now(UTC)
        with self._lock:
            self._must_be_open()
            self.running[node.name] = started
            inputs = self._inputs.of(node)
        self._run_resources.listener.step_started(node.name)
        return started, inputs

    def _link(self, node: Node) -> RunLink | None:
        log = self._run_resources.log
        return RunLink(log, self._id, node.name, self._save, self._is_resumed) if log else None

    def _uses_model_of(self, hit: CacheHit, node: Node, facts: StepFacts) -> bool:
        """Let the run make a version of the model that a cached execution made one of, if any."""
        link = self._link(node) if hit.model else None
        if link is None:
            return True
        try:
            declared = Model(**hit.model)
            facts.model = UsedModel(declared, link.use_model(declared, self._facts.pin))
        except StackfoldError:
            return False  # executed, the step fails, too, and shows why
        return True

    def _save(self, command: Command) -> None:
        """Record what a running step saved."""
        with self._lock:
            self._must_be_open()
            self._recorder.record(command)

    def _succeed(
        self,
        node: Node,
        started: datetime,
        inputs: Mapping[str, Artifact],
        result: ExecutionResult,
        *,
        key: str,
        cached_from: UUID | None = None,
        log: StepLog | None = None,
        retried: tuple[str, ...] = (),
    ) -> None:
        status, ended = "cached" if cached_from else "completed", datetime.now(UTC)
        command = completion(
            node,
            *(started, ended, inputs, result),
            key=key,
            cached_from=cached_from,
            log=log,
            retried=retried,
        )
        with self._lock:
            self._must_be_open()
            # A cache hit would be found again, so it need not be durable at once.
            linked = linking(node.name, result.artifacts, result.found)
            self._recorder.record(*linked, command, at_once=cached_from is None)
            self._inputs.release(node)
            self._inputs.add(node.name, result.outputs)
            self._note_model(result.artifacts)
            self._note(node.name, "completed")
        self._notify(node.name, status, started, ended)
        self._call_hook(node, "success", status)
        self._call_hook(node, "end", status)

    def _fail(
        self,
        node: Node,
        started: datetime,
        error: BaseException,
        retry: StepRetry,
    ) -> None:
        ended, log = datetime.now(UTC), retry.output.close()
        if is_interruption(error):
            self._stop(node, started, ended, error, log)
            return
        failure = Failure.of(error)
        added = metadata_on(error)
        if added is None:
            added = StepMetadata(node.step.options.metadata, node.step.options.tags)
        retried = tuple(retry.retried)
        command = failing(node, started, ended, failure, added, log=log, retried=retried)
        with self._lock:
            self._must_be_open()
            self._failures[node.name] = failure
            self._note_model(added.artifacts)
            self._note(node.name, "failed")
            self._recorder.record(*linking(node.name, added.artifacts), command)
        self._notify(node.name, "failed", started, ended, failure.error)
        self._call_hook(node, "failure", "failed", error)
        self._call_hook(node, "end", "failed", error)
        if not isinstance(error, Exception | SystemExit):
            # An orchestrator treats any other exception as an interruption.
            raise RemoteStepFailed(failure.error, failure.traceback) from error

    def _stop(
        self,
        node: Node,
        started: datetime,
        ended: datetime,
        error: BaseException,
        log: StepLog | None,
    ) -> None:
        failed = next(iter(self._failures), None)
        reason = f"step {failed!r} failed" if failed else "the run was cancelled"
        with self._lock:
            if self._closed:
                return
            self._note(node.name, "cancelled")
            command = cancellation(node.name, started, ended, reason, log)
            self._recorder.record(command, at_once=False)
        self._notify(node.name, "cancelled", started, ended, reason)
        self._call_hook(node, "end", "cancelled", error)

    @property
    def _failed_step(self) -> str:
        """The failed step that is first in the graph; empty if none has failed."""
        return next((name for name in self._nodes if name in self._failures), "")

    def _note_model(self, facts: StepFacts) -> None:
        """Show the version of a model that a step asked for to the steps after it."""
        if facts.model:
            self._facts = self._facts._replace(model=facts.model.version)

    def _note(self, step: str, status: str) -> None:
        del self.running[step]
        self.running.outputs.pop(step, None)
        self._ended[step] = status

    def _must_be_open(self) -> None:
        if self._closed:
            raise StepStopped("the run has ended")

    def _notify(
        self, step: str, status: str, started: datetime, ended: datetime, reason: str = ""
    ) -> None:
        seconds = (ended - started).total_seconds()
        self._run_resources.listener.step_ended(StepEnd(step, status, seconds, reason))

    # -- the run

    def _end(self, reason: str, command: Command) -> None:
        """Record the steps still running, those that never began, and the end of the run."""
        with self._lock:
            self._closed = True
            commands = [*self._cancellations(reason), *self._skips(reason), command]
            self._recorder.record(*commands)

    def _notify_end(self, status: str, event: str, error: BaseException | None = None) -> None:
        self._tracking.end(status)
        self._run_resources.listener.run_ended(status)
        if event:
            self._call_run_hook(event, status, error)
        self._call_run_hook("end", status, error)

    def _begin_tracking(self) -> None:
        ids: dict[str, Any] = {**self._tracking.begin()}
        if ids and ids != self._recorded:
            # At once: other processes that execute steps read them.
            self._recorder.record(lambda run: run.annotate({}, {RECORD: ids}))

    def _cancellations(self, reason: str) -> list[Command]:
        """Cancel steps that are still running because they could not be stopped."""
        running, now = list(self.running.items()), datetime.now(UTC)
        for step, started in running:
            self._note(step, "cancelled")
            self._notify(step, "cancelled", started, now, reason)
        return [cancellation(step, started, now, reason) for step, started in running]

    def _skips(self, otherwise: str) -> list[Command]:
        """Skip every step that never began, with the reason."""
        reasons = skipped(self._graph.nodes, self._ended, otherwise)
        for reason, steps in reasons.items():
            for step in steps:
                self._run_resources.listener.step_ended(StepEnd(step, "skipped", 0.0, reason))
        return [skip(tuple(steps), reason) for reason, steps in reasons.items()]

    def _call_hook(
        self, node: Node, event: str, status: str, error: BaseException | None = None
    ) -> None:
        hook = getattr(node.step.options, f"on_{event}")
        if hook is not None:
            call_hook(hook, self._hook_call(event, node.name, status, error))

    def _call_run_hook(self, event: str, status: str, error: BaseException | None = None) -> None:
        hook = getattr(self._graph.options, f"on_{event}")
        if hook is not None:
            call_hook(hook, self._hook_call(event, "", status, error))

    def _hook_call(
        self, event: str, step: str, status: str, error: BaseException | None
    ) -> HookCall:
        facts = (event, self._name, self._graph.pipeline, step, status, error)
        return HookCall(*facts, self._run_resources.components, self._failed_step)
