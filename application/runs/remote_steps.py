"""Remote steps: what the processes do that an engine starts for the steps of a run."""

from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports import StepExecutor
from stackfold.application.runs.captured_output import capturing_streams
from stackfold.application.runs.execution import Execution
from stackfold.application.runs.job_submitter import check_runnable, outputs_of
from stackfold.application.runs.launcher import CompletedOutputs, RunLauncher
from stackfold.application.runs.progress import NULL_LISTENER
from stackfold.application.runs.recorded_graph import PipelineLoader, recorded_graph
from stackfold.application.runs.run_recorder import RunRecorder
from stackfold.application.runs.run_views import RunDescription, RunQueries
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.options import FailureMode
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.run import Run


class RemoteSteps:
    """Executes single steps of runs that were handed to an engine, and ends such runs."""

    def __init__(
        self,
        repository: Repository,
        queries: RunQueries,
        claims: Claims,
        launcher: RunLauncher,
        load_pipeline: PipelineLoader,
    ) -> None:
        """Find runs by `queries` and their code by `load_pipeline`, and record in `repository`."""
        self._repository = repository
        self._queries = queries
        self._claims = claims
        self._launcher = launcher
        self._load_pipeline = load_pipeline

    def execute(
        self, reference: str, step: str, source: str | None, executor: StepExecutor | None
    ) -> None:
        """Execute a step; raises as `Runs.execute_step`."""
        run = self._queries.describe_run(reference)
        graph = self._graph(run, source)
        check_runnable(run, step, graph.options.failure_mode or FailureMode.FAIL_FAST)
        recording = self._recording(run)
        execution = self._execution(run, graph, recording, outputs_of(run))
        try:
            with capturing_streams():
                execution.execute(step, executor)
        finally:
            recording.record()  # nothing comes after it that what is recorded could wait for

    def settle(self, reference: str, source: str | None, awaited: bool) -> None:
        """End a run of which no step is executed any more; raises as `Runs.settle`."""
        run = self._queries.describe_run(reference)
        if run.status not in ("running", "interrupted"):
            return
        if awaited and self._claims.is_claimed(run.id):
            return  # whoever waits for it ends it
        graph, recording = self._graph(run, source), self._recording(run)
        execution = self._execution(run, graph, recording, {})
        self._launcher.job_submitter.settle(run.id, execution)

    def _graph(self, run: RunDescription, source: str | None) -> Graph:
        # Where it is on another machine, that is said for the folder that this one works in.
        there = source is not None and source != run.source
        root = "" if there else run.import_root
        return recorded_graph(self._queries, run, self._load_pipeline(source or run.source, root))

    def _recording(self, run: RunDescription) -> RunRecorder:
        return RunRecorder(
            self._repository, self._repository.load(Run, run.id), run.why, shared=True
        )

    def _execution(
        self, run: RunDescription, graph: Graph, recording: RunRecorder, kept: CompletedOutputs
    ) -> Execution:
        pin = Pin.model_validate(run.pin)
        run_resources = self._launcher.run_resources(graph, pin, NULL_LISTENER)
        return Execution(
            self._repository.load(Run, run.id), graph, pin, recording, run_resources, kept
        )
