"""References: pins the artifacts of earlier runs that steps of a run take."""

from collections.abc import Mapping
from typing import cast

from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.origin import must_come_from
from stackfold.application.artifacts.values import artifact_of, write
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.errors import InvalidPipeline, NotResumable, StackfoldError
from stackfold.domain.errors.wording import text_of
from stackfold.domain.pipelines.given_values import given_name, input_of
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.runs.pin import Pin, PinnedArtifact, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType

Pinned = Mapping[str, PinnedArtifact]
"""Reference → the artifact that it stood for when the run started."""


class References:
    """Looks up artifacts of earlier runs, once per run."""

    def __init__(self, queries: ArtifactQueries, resolver: StackResolver) -> None:
        """Create the service.

        Args:
            queries: Looks up artifacts.
            resolver: Builds artifact stores.
        """
        self._queries = queries
        self._resolver = resolver

    def pinned(self, graph: Graph, known: Pinned, pin: Pin) -> dict[str, PinnedArtifact]:
        """Return the artifacts that the steps of a graph take.

        Args:
            graph: The steps.
            known: Artifacts that an earlier run has pinned, which are not looked up again.
            pin: The stack of the run.

        Raises:
            NotFound: An artifact does not exist.
            Ambiguous: A reference means several artifacts.
            FromAnotherStack: An artifact was made on another stack, and is not promoted.
        """
        allowed = graph.options.from_stack
        return {
            text: self._again(text, known[text]) if text in known else self._pin(text, pin, allowed)
            for text in graph.references
            if text in known or text not in graph.given
        }

    def written(
        self,
        graph: Graph,
        pinned: Pinned,
        store: ArtifactStore,
        component: PinnedComponent,
        materializers: Materializers,
    ) -> dict[str, PinnedArtifact]:
        """Write the values that the pipeline function gives to steps, unless they are pinned.

        Args:
            graph: The steps.
            pinned: Artifacts that are known.
            store: The artifact store of the run.
            component: Its component.
            materializers: Write the values.

        Raises:
            InvalidPipeline: A value cannot be stored.
        """
        found = {}
        for text, value in graph.given.items():
            if text not in pinned:
                name = given_name(text)
                try:
                    artifact = write(name, value, store, materializers)
                except StackfoldError:
                    raise
                except BaseException as error:
                    if is_interruption(error) or isinstance(error, SystemExit):
                        raise
                    problem = f"cannot be stored: {text_of(error)}"
                    raise InvalidPipeline(f"the value given as {text} {problem}") from error
                found[text] = PinnedArtifact(artifact=artifact, reference=text, store=component)
        return found

    def _built(self, store: PinnedComponent, reference: str) -> ArtifactStore:
        try:
            return cast(ArtifactStore, self._resolver.built(store))
        except StackfoldError as error:
            raise InvalidPipeline(
                f"artifact {reference!r} is in the artifact store {store.name!r}, which cannot be "
                f"used here: {error}; copy the artifact to the store of this stack"
            ) from error

    def _again(self, text: str, known: PinnedArtifact) -> PinnedArtifact:
        """The pin of a rerun: a value that the first run was given is one of its artifacts."""
        if known.reference != text or input_of(text) is None:
            return known
        named = self._queries.artifact(str(known.artifact.id))
        return known.model_copy(update={"reference": named.reference})

    def stores(
        self, pinned: Pinned, store: ArtifactStore, component: PinnedComponent
    ) -> dict[str, ArtifactStore]:
        """Reference → the store of its artifact, for those in another store than the run's.

        Args:
            pinned: The artifacts.
            store: The artifact store of the run.
            component: Its component.
        """
        built: dict[str, ArtifactStore] = {}
        found = {}
        for text, each in pinned.items():
            other = each.store
            if (other.flavor, other.configuration) == (component.flavor, component.configuration):
                continue
            key = other.model_dump_json()
            if key not in built:
                built[key] = self._built(other, each.reference)
            found[text] = built[key]
        return found

    def _pin(self, text: str, taking: Pin, from_stack: str | None) -> PinnedArtifact:
        named = self._queries.artifact(text)
        must_come_from(
            self._queries, named.id, named.reference, taking.stack, taking.stack_id, from_stack
        )
        view, pin = self._queries.recorded(named.id)
        (store,) = pin["components"][ComponentType.ARTIFACT_STORE][:1]
        return PinnedArtifact(
            artifact=artifact_of(view),
            reference=named.reference,
            store=PinnedComponent.model_validate(store),
        )


def must_be_pinned(run: str, graph: Graph, pinned: Pinned) -> None:
    """Require that a resumed run has pinned all artifacts that its steps take.

    Raises:
        NotResumable: The pipeline takes another artifact than when the run started.
    """
    for text in graph.references:
        if text not in pinned:
            raise NotResumable(run, f"cannot go on: its pipeline now takes artifact {text!r}")
