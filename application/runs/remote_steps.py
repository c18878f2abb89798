"""RemoteSteps: commands for the processes that an engine starts for the steps of a run."""

from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports import StepExecutor
from stackfold.application.ports.orchestrator import JobImage
from stackfold.application.runs.captured_output import capturing_streams
from stackfold.application.runs.execution import Execution
from stackfold.application.runs.job_submitter import check_runnable, outputs_of
from stackfold.application.runs.launcher import CompletedOutputs, RunLauncher
from stackfold.application.runs.progress import NULL_LISTENER
from stackfold.application.runs.recorded_graph import PipelineLoader, recorded_graph
from stackfold.application.runs.run_recorder import RunRecorder
from stackfold.application.runs.run_views import RunDescription, RunQueries
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.run import Run


class RemoteSteps:
    """Executes single steps of runs that were submitted to an engine, and ends such runs."""

    def __init__(
        self,
        repository: Repository,
        queries: RunQueries,
        claims: Claims,
        launcher: RunLauncher,
        load_pipeline: PipelineLoader,
    ) -> None:
        """Create the service.

        Args:
            repository: Loads and saves runs.
            queries: Reads runs.
            claims: Tells whether a process waits for a run.
            launcher: Builds what executes steps.
            load_pipeline: Loads the pipeline at a source.
        """
        self._repository = repository
        self._queries = queries
        self._claims = claims
        self._launcher = launcher
        self._load_pipeline = load_pipeline

    def execute(
        self, reference: str, step: str, source: str | None, executor: StepExecutor | None
    ) -> None:
        """Execute a step and record its outcome.

        Args:
            reference: The run.
            step: The step's name.
            source: The pipeline, if its code lies elsewhere on this machine than recorded.
            executor: Where the step's function runs; None for the calling thread.

        Raises:
            RunEnded: The run has ended.
            StepNotRunnable: The step was executed already, or must not be executed now.
            BaseException: What the step raised.
        """
        run = self._queries.describe_run(reference)
        graph = self._graph(run, source)
        check_runnable(run, step, graph.options.failure_mode or FailureMode.FAIL_FAST)
        recorder = self._recorder(run)
        execution = self._execution(run, graph, recorder, outputs_of(run))
        try:
            live = self._launcher.live_steps
            with capturing_streams(), live.showing(run.id, execution.running):
                execution.execute(step, executor)
        finally:
            recorder.record()  # flush: no later event will

    def coordinate(self, reference: str, source: str | None, image: str) -> None:
        """Execute the steps of a run that have not ended, and end it, in place of its submitter.

        Args:
            reference: The run.
            source: The pipeline, if its code lies elsewhere on this machine than recorded.
            image: The image of its steps.

        Raises:
            RunFailed: A step raised; its exception is the cause.
        """
        run = self._queries.describe_run(reference)
        if run.status not in ("running", "interrupted"):
            return
        graph, recorder = self._graph(run, source), self._recorder(run)
        if any(step.status == "failed" for step in run.steps):
            # An earlier coordinator died before it had ended the run.
            execution = self._execution(run, graph, recorder, {})
            self._launcher.job_submitter.settle(run.id, execution)
            return
        execution = self._execution(run, graph, recorder, outputs_of(run))
        made = JobImage(image, source or run.source)
        try:
            self._launcher.coordinate(execution, Pin.model_validate(run.pin), made)
        finally:
            recorder.record()  # flush: no later event will

    def settle(self, reference: str, source: str | None, awaited: bool) -> None:
        """End a run whose steps are no longer executed.

        Args:
            reference: The run.
            source: The pipeline, if its code lies elsewhere on this machine than recorded.
            awaited: Whether the process that submitted the run may be waiting, and will end it.

        Raises:
            RunFailed: Not every step has completed.
        """
        run = self._queries.describe_run(reference)
        if run.status not in ("running", "interrupted"):
            return
        if awaited and self._claims.is_claimed(run.id):
            return  # the waiting process ends it
        graph, recorder = self._graph(run, source), self._recorder(run)
        execution = self._execution(run, graph, recorder, {})
        self._launcher.job_submitter.settle(run.id, execution)

    def _graph(self, run: RunDescription, source: str | None) -> Graph:
        # A source on another machine is relative to the current folder here.
        is_elsewhere = source is not None and source != run.source
        root = "" if is_elsewhere else run.import_root
        return recorded_graph(self._queries, run, self._load_pipeline(source or run.source, root))

    def _recorder(self, run: RunDescription) -> RunRecorder:
        return RunRecorder(
            self._repository, self._repository.load(Run, run.id), run.why, shared=True
        )

    def _execution(
        self, run: RunDescription, graph: Graph, recorder: RunRecorder, completed: CompletedOutputs
    ) -> Execution:
        pin = Pin.model_validate(run.pin)
        pinned = self._queries.pinned_artifacts(run.id)
        run_resources = self._launcher.run_resources(graph, pin, NULL_LISTENER, pinned)
        loaded = self._repository.load(Run, run.id)
        return Execution(
            loaded,
            graph,
            pin,
            recorder,
            run_resources,
            completed,
            pinned,
            self._launcher.models.linked(loaded.model_version),
        )
