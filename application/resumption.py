"""Resumption: a run that did not complete goes on, on the stack that it was pinned to."""

from collections.abc import Callable
from typing import cast

from stackfold.application.claims import Claims
from stackfold.application.launches import Kept, Launches
from stackfold.application.ledger import Ledger
from stackfold.application.pinning import Pinning
from stackfold.application.ports import ArtifactStore
from stackfold.application.run_views import RunDescription, RunQueries, StepView
from stackfold.application.watching import Watcher
from stackfold.domain.artifact import Artifact
from stackfold.domain.component_type import ComponentType
from stackfold.domain.configuration import RunConfiguration
from stackfold.domain.errors import NotResumable, StackfoldError
from stackfold.domain.graph import Graph
from stackfold.domain.pin import Pin
from stackfold.domain.pipeline import Pipeline
from stackfold.domain.run import Run

PipelineLoader = Callable[[str], Pipeline[...]]
"""From "file.py:function" to the pipeline there."""


class Resumption:
    """Takes up runs that failed, were cancelled, or whose process ended."""

    def __init__(
        self,
        ledger: Ledger,
        queries: RunQueries,
        pinning: Pinning,
        claims: Claims,
        launches: Launches,
        load_pipeline: PipelineLoader,
    ) -> None:
        """Find runs by `queries` and their code by `load_pipeline`; execute by `launches`."""
        self._ledger = ledger
        self._queries = queries
        self._pinning = pinning
        self._claims = claims
        self._launches = launches
        self._load_pipeline = load_pipeline

    def resume(
        self, reference: str, pipeline: Pipeline[...] | None, why: str, watcher: Watcher
    ) -> str:
        """Go on with a run, and return its id when it has completed; raises as `Runs.resume`."""
        view = self._queries.run(reference)
        with self._claims.hold(view.id, view.name):
            run = self._ledger.load(Run, view.id)
            described = self._queries.describe_run(view.id)
            graph = self._graph(described, pipeline)
            pin = Pin.model_validate(described.pin)
            kept = self._kept(described, pin)
            redone = tuple(
                each.name
                for each in described.steps
                if each.name not in kept and each.status != "pending"
            )
            with self._ledger.signed(why):
                run.resume(redone)
            self._ledger.save(run)
            self._launches.resume(run, graph, pin, kept, why, watcher)
        return view.id

    def _graph(self, run: RunDescription, pipeline: Pipeline[...] | None) -> Graph:
        if run.status == "completed":
            raise NotResumable(run.name, "has completed: there is nothing left to do")
        configuration = RunConfiguration.model_validate(run.configuration)
        try:
            found = pipeline or self._load_pipeline(run.source)
            graph = found.graph_for(run.parameters, configuration)
        except StackfoldError as error:
            raise NotResumable(run.name, f"cannot go on: {error}") from error
        now = {node.name: list(node.upstream) for node in graph.nodes}
        then = {step.name: step.upstream for step in run.steps}
        if now != then:
            differ = [name for name in {**then, **now} if now.get(name) != then.get(name)]
            raise NotResumable(
                run.name,
                f"cannot go on: its pipeline has changed since, in {', '.join(differ[:5])}; "
                "run it anew",
            )
        return graph

    def _kept(self, run: RunDescription, pin: Pin) -> Kept:
        """The steps that completed, and whose outputs are all there."""
        store = cast(ArtifactStore, self._pinning.required(pin, ComponentType.ARTIFACT_STORE))
        kept: dict[str, tuple[Artifact, ...]] = {}
        for step in run.steps:
            if step.status in ("completed", "cached") and _all_there(step, store):
                kept[step.name] = tuple(
                    Artifact.model_validate(
                        {field: getattr(each, field) for field in Artifact.model_fields}
                    )
                    for each in step.outputs
                )
        return kept


def _all_there(step: StepView, store: ArtifactStore) -> bool:
    return all(_is_there(each.uri, each.size, store) for each in step.outputs)


def _is_there(uri: str, size: int, store: ArtifactStore) -> bool:
    try:
        return store.size(uri) == size
    except StackfoldError:  # moved outside, no longer a file
        return False
