"""Resumption: resumes runs that did not complete, on the stack they were pinned to."""

from typing import cast

from stackfold.application.artifacts.values import artifact_of
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.submitting_orchestrator import SubmittingOrchestrator
from stackfold.application.runs.launcher import CompletedOutputs, RunLauncher
from stackfold.application.runs.progress import ProgressListener
from stackfold.application.runs.recorded_graph import PipelineLoader, recorded_graph
from stackfold.application.runs.references import must_be_pinned
from stackfold.application.runs.run_views import RunDescription, RunQueries, StepView
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.errors import NotResumable, RunBusy, StackfoldError
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.run import Run
from stackfold.domain.stacks.component_type import ComponentType


class Resumption:
    """Resumes runs that failed, were cancelled, or whose process ended."""

    def __init__(
        self,
        repository: Repository,
        queries: RunQueries,
        resolver: StackResolver,
        claims: Claims,
        launcher: RunLauncher,
        load_pipeline: PipelineLoader,
    ) -> None:
        """Create the service.

        Args:
            repository: Loads and saves runs.
            queries: Reads runs.
            resolver: Builds the components of a pin.
            claims: Locks runs against concurrent execution.
            launcher: Continues runs.
            load_pipeline: Loads the pipeline at a source.
        """
        self._repository = repository
        self._queries = queries
        self._resolver = resolver
        self._claims = claims
        self._launcher = launcher
        self._load_pipeline = load_pipeline

    def resume(
        self, reference: str, pipeline: Pipeline[...] | None, why: str, listener: ProgressListener
    ) -> str:
        """Resume a run, and return its id when it has completed; raises as `Runs.resume`."""
        view = self._queries.run(reference)
        with self._claims.claim(view.id, view.name):
            run = self._repository.load(Run, view.id)
            described = self._queries.describe_run(view.id)
            graph = self._graph(described, pipeline)
            pin = Pin.model_validate(described.pin)
            pinned = self._queries.pinned_artifacts(view.id)
            must_be_pinned(view.name, graph, pinned)
            self._check_not_executing(run, described, pin)
            completed = self._completed(described, pin)
            redone = tuple(
                each.name
                for each in described.steps
                if each.name not in completed and each.status != "pending"
            )
            run.resume(redone)
            self._repository.save(run, why=why)
            self._launcher.resume(run, graph, pin, completed, why, listener, pinned)
        return view.id

    def _graph(self, run: RunDescription, pipeline: Pipeline[...] | None) -> Graph:
        if run.status == "completed":
            raise NotResumable(run.name, "has completed: there is nothing left to do")
        try:
            found = pipeline or self._load_pipeline(run.source, run.import_root)
            return recorded_graph(self._queries, run, found)
        except StackfoldError as error:
            raise NotResumable(run.name, f"cannot go on: {error}") from error

    def _check_not_executing(self, run: Run, described: RunDescription, pin: Pin) -> None:
        """Raise RunBusy if an engine is still executing the run."""
        if run.status != "running" or not described.submitted:
            return
        orchestrator = self._resolver.required(pin, ComponentType.ORCHESTRATOR)
        if isinstance(orchestrator, SubmittingOrchestrator) and orchestrator.is_executing(
            described.submitted["reference"]
        ):
            raise RunBusy(run.name)

    def _completed(self, run: RunDescription, pin: Pin) -> CompletedOutputs:
        """Step → its outputs, for completed steps whose outputs all exist."""
        store = cast(ArtifactStore, self._resolver.required(pin, ComponentType.ARTIFACT_STORE))
        completed: dict[str, tuple[Artifact, ...]] = {}
        for step in run.steps:
            if step.status in ("completed", "cached") and _all_exist(step, store):
                completed[step.name] = tuple(map(artifact_of, step.outputs))
        return completed


def _all_exist(step: StepView, store: ArtifactStore) -> bool:
    return all(_exists(each.uri, each.stored_size, store) for each in step.outputs)


def _exists(uri: str, size: int, store: ArtifactStore) -> bool:
    try:
        return store.size(uri) == size
    except StackfoldError:  # outside the store, or unreachable
        return False
