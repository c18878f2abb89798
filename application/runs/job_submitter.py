"""JobSubmitter: runs that an engine executes, and what its processes do for them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from stackfold.application.artifacts.values import artifact_of
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.ports.submitting_orchestrator import (
    Job,
    JobImage,
    JobStep,
    SubmittingOrchestrator,
)
from stackfold.application.runs.execution import Execution
from stackfold.application.runs.progress import ProgressListener
from stackfold.application.runs.run_recorder import RunRecorder
from stackfold.application.runs.run_views import RunDescription, RunQueries, StepView
from stackfold.domain.errors import (
    EngineStopped,
    EngineUnavailable,
    RunDetached,
    RunEnded,
    RunFailed,
    StepNotRunnable,
)
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.options import FailureMode
from stackfold.domain.pipelines.resources import Resources
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.run import Run


def job_of(graph: Graph, run: str, name: str, done: Mapping[str, object]) -> Job:
    """What an engine is told of a run.

    Args:
        graph: The run's steps.
        run: Its id.
        name: Its name.
        done: The steps that need not be executed any more.
    """
    steps = tuple(
        JobStep(
            node.name,
            tuple(step for step in node.upstream if step not in done),
            node.step.options.resources or Resources(),
        )
        for node in graph.nodes
        if node.name not in done
    )
    mode = graph.options.failure_mode or FailureMode.FAIL_FAST
    return Job(run, name, graph.pipeline, graph.source, steps, mode)


class _FailsFast(Exception):
    """Raised where a run is followed, so that the rest of it is ended."""


class JobSubmitter:
    """Hands runs over, and learns from the log what came of them."""

    def __init__(self, queries: RunQueries) -> None:
        """Ask `queries` what was recorded."""
        self._queries = queries

    def drive(
        self,
        job: Job,
        execution: Execution,
        recording: RunRecorder,
        orchestrator: SubmittingOrchestrator,
        component: str,
        image: Callable[[], JobImage | None],
    ) -> None:
        """Hand a run over and, if it is awaited, wait until it has ended.

        Args:
            job: The run.
            execution: The same, as it is executed.
            recording: Where it is recorded; others record there, too.
            orchestrator: What hands it over.
            component: The orchestrator's name.
            image: Builds what the engine starts, if it starts anything that has to be built.

        Raises:
            RunFailed: A step raised, or it could not be handed over.
            RunDetached: It goes on, but is not waited for any more.
        """
        reference = ""
        try:
            execution.begin()
            recording.record()  # what the engine's processes must know from the beginning
            built = image()
            if built is not None:
                recording.record(partial(_image_built, built.name))
            reference, url = orchestrator.submit(job._replace(image=built))
            recording.record(partial(_submitted, component, reference, url))
            if not orchestrator.awaited:
                return
            orchestrator.follow(reference, lambda: self._look(job, execution))
            self.settle(job.run, execution)
        except RunDetached:
            execution.learn(self._steps(job))
            if not execution.has_completed:
                raise
            # What ended last left the end of the run to us, as we still waited for it.
            self.settle(job.run, execution)
        except _FailsFast:
            with suppress(EngineUnavailable):  # nothing can be recorded any more all the same
                orchestrator.terminate(reference)
            self.settle(job.run, execution)
        except RunEnded:
            self._as_it_ended(job.run, execution.listener)
        except RunFailed:
            raise
        except BaseException as error:
            if is_interruption(error):
                self._cancel(job, execution, orchestrator, reference, error)
                raise
            self.settle(job.run, execution, error)

    def settle(self, run: str, execution: Execution, error: BaseException | None = None) -> None:
        """End a run that nothing executes any more, as its steps have.

        Args:
            run: Its id.
            execution: The run.
            error: What else is wrong, should none of its steps have failed.

        Raises:
            RunFailed: Not every step has completed.
        """
        try:
            execution.learn(self._queries.describe_run(run).steps)
            if execution.has_completed:
                execution.end_tracking()
                execution.complete()
                return
            stopped = error or EngineStopped("what executes it", "ended", "steps are missing")
            failed = execution.fail(stopped)
        except RunEnded:
            self._as_it_ended(run, execution.listener)
            return
        raise failed from failed.__cause__

    def _cancel(
        self,
        job: Job,
        execution: Execution,
        orchestrator: SubmittingOrchestrator,
        reference: str,
        interruption: BaseException,
    ) -> None:
        try:
            if reference:
                orchestrator.terminate(reference)
        finally:
            try:
                execution.learn(self._steps(job))
                execution.cancel(interruption)
            except RunEnded:  # it was quicker
                pass

    def _look(self, job: Job, execution: Execution) -> None:
        if execution.learn(self._steps(job)) and job.mode is FailureMode.FAIL_FAST:
            raise _FailsFast

    def _steps(self, job: Job) -> list[StepView]:
        return self._queries.describe_run(job.run).steps

    def _as_it_ended(self, run: str, listener: ProgressListener) -> None:
        """Tell how a run ended that somebody else has ended; raises as `settle`."""
        found = self._queries.describe_run(run)
        listener.run_ended(found.status)
        if found.status != "completed":
            step = next((each for each in found.steps if each.status == "failed"), None)
            name, trace = (step.name, step.traceback) if step else ("", "")
            raise RunFailed(found.name, name, found.error or found.status, trace)


def _submitted(component: str, reference: str, url: str, run: Run) -> None:
    run.submit(component, reference, url)


def _image_built(name: str, run: Run) -> None:
    if run.metadata.get("image") != name:
        run.annotate({}, {"image": name})


def check_runnable(run: RunDescription, step: str, mode: FailureMode) -> None:
    """Refuse to execute a step that an engine should not have started.

    Args:
        run: Its run, as it is now.
        step: The step's name.
        mode: What becomes of the other steps when one has failed.

    Raises:
        RunEnded: The run has ended.
        StepNotRunnable: It was executed, or is not to be executed yet or any more.
    """
    if run.status not in ("running", "interrupted"):
        raise RunEnded(run.name, run.status)
    steps = {each.name: each for each in run.steps}
    if step not in steps:
        raise StepNotRunnable(step, run.name, f"it has {', '.join(steps)}")
    if steps[step].status != "pending":
        raise StepNotRunnable(step, run.name, f"it is {steps[step].status} already")
    for above in steps[step].upstream:
        if steps[above].status not in ("completed", "cached"):
            raise StepNotRunnable(step, run.name, f"step {above!r} is {steps[above].status}")
    failed = next((each.name for each in run.steps if each.status == "failed"), None)
    if failed and mode is not FailureMode.CONTINUE_ON_FAILURE:
        raise StepNotRunnable(step, run.name, f"step {failed!r} failed")


def outputs_of(run: RunDescription) -> dict[str, tuple[Artifact, ...]]:
    """Step → its outputs, of those that have completed."""
    return {
        step.name: tuple(map(artifact_of, step.outputs))
        for step in run.steps
        if step.status in ("completed", "cached")
    }
