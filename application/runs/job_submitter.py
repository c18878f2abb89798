"""JobSubmitter: submits runs to an engine, and follows them in the log."""

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
from stackfold.domain.pipelines.resources import Resources
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.run import Run


def job_of(graph: Graph, run: str, name: str, done: Mapping[str, object]) -> Job:
    """Return the job to submit for a run.

    Args:
        graph: The run's steps.
        run: The run's id.
        name: The run's name.
        done: The steps that have completed already.
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
    """Raised while a run is followed, to end the rest of it."""


class JobSubmitter:
    """Submits runs, and reads their outcome from the log."""

    def __init__(self, queries: RunQueries) -> None:
        """Create the service; `queries` reads the recorded outcome."""
        self._queries = queries

    def submit(
        self,
        job: Job,
        execution: Execution,
        recorder: RunRecorder,
        orchestrator: SubmittingOrchestrator,
        component: str,
        image: Callable[[], JobImage | None],
    ) -> None:
        """Submit a run and, if its orchestrator is awaited, wait until it has ended.

        Args:
            job: The run as the engine sees it.
            execution: The same run while it is executed.
            recorder: Records its events; other processes record events of the run, too.
            orchestrator: Submits the run.
            component: The orchestrator's name.
            image: Builds the container image, if the engine needs one.

        Raises:
            RunFailed: A step raised, or the run could not be submitted.
            RunDetached: The wait was given up, and the run continues.
        """
        reference = ""
        try:
            execution.begin()
            recorder.record()  # now: the engine's processes read it
            built = image()
            if built is not None:
                recorder.record(partial(image_built, built.name))
            reference, url = orchestrator.submit(job._replace(image=built))
            recorder.record(partial(_submitted, component, reference, url))
            if not orchestrator.awaited:
                return
            orchestrator.follow(
                reference, lambda: self._poll(job, execution, orchestrator.ends_runs)
            )
            self.settle(job.run, execution)
        except RunDetached:
            execution.note_remote(self._steps(job))
            if not execution.has_completed:
                raise
            # The last process did not end the run, because this one was still waiting.
            self.settle(job.run, execution)
        except _FailsFast:
            with suppress(EngineUnavailable):  # no further step can be recorded anyway
                orchestrator.terminate(reference)
            self.settle(job.run, execution)
        except RunEnded:
            self._report_end(job.run, execution.listener)
        except RunFailed:
            raise
        except BaseException as error:
            if is_interruption(error):
                self._cancel(job, execution, orchestrator, reference, error)
                raise
            self.settle(job.run, execution, error)

    def settle(self, run: str, execution: Execution, error: BaseException | None = None) -> None:
        """End a run that is no longer executed, according to the outcome of its steps.

        Args:
            run: The run's id.
            execution: The run.
            error: The error to record if no step has failed.

        Raises:
            RunFailed: Not every step has completed.
        """
        try:
            execution.note_remote(self._queries.describe_run(run).steps)
            if execution.has_completed:
                execution.end_tracking()
                execution.complete()
                return
            stopped = error or EngineStopped("what executes it", "ended", "steps are missing")
            failed = execution.fail(stopped)
        except RunEnded:
            self._report_end(run, execution.listener)
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
                execution.note_remote(self._steps(job))
                execution.cancel(interruption)
            except RunEnded:  # by the engine, just before
                pass

    def _poll(self, job: Job, execution: Execution, engine_ends_runs: bool) -> None:
        has_failed = execution.note_remote(self._steps(job))
        if has_failed and job.mode is FailureMode.FAIL_FAST and not engine_ends_runs:
            raise _FailsFast

    def _steps(self, job: Job) -> list[StepView]:
        return self._queries.describe_run(job.run).steps

    def _report_end(self, run: str, listener: ProgressListener) -> None:
        """Report the outcome of a run that another process ended; raises as `settle`."""
        found = self._queries.describe_run(run)
        listener.run_ended(found.status)
        if found.status != "completed":
            step = next((each for each in found.steps if each.status == "failed"), None)
            name, trace = (step.name, step.traceback) if step else ("", "")
            raise RunFailed(found.name, name, found.error or found.status, trace)


def _submitted(component: str, reference: str, url: str, run: Run) -> None:
    run.submit(component, reference, url)


def image_built(name: str, run: Run) -> None:
    """Record the image that the steps of a run are started from."""
    if run.metadata.get("image") != name:
        run.annotate({}, {"image": name})


def check_runnable(run: RunDescription, step: str, mode: FailureMode) -> None:
    """Check that an engine may execute a step now.

    Args:
        run: The run in its current state.
        step: The step's name.
        mode: What happens to the other steps when one has failed.

    Raises:
        RunEnded: The run has ended.
        StepNotRunnable: The step was executed already, or must not be executed now.
    """
    if run.status not in ("running", "interrupted"):
        raise RunEnded(run.name, run.status)
    steps = {each.name: each for each in run.steps}
    if step not in steps:
        raise StepNotRunnable(step, run.name, f"it has {', '.join(steps)}")
    if steps[step].status != "pending":
        raise StepNotRunnable(step, run.name, f"it is {steps[step].status} already")
    for upstream in steps[step].upstream:
        if steps[upstream].status not in ("completed", "cached"):
            raise StepNotRunnable(step, run.name, f"step {upstream!r} is {steps[upstream].status}")
    failed = next((each.name for each in run.steps if each.status == "failed"), None)
    if failed and mode is not FailureMode.CONTINUE_ON_FAILURE:
        raise StepNotRunnable(step, run.name, f"step {failed!r} failed")


def outputs_of(run: RunDescription) -> dict[str, tuple[Artifact, ...]]:
    """Step → its outputs, for the completed steps."""
    return {
        step.name: tuple(map(artifact_of, step.outputs))
        for step in run.steps
        if step.status in ("completed", "cached")
    }
