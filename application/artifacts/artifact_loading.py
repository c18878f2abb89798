"""ArtifactLoading: reads artifacts from the stores that their runs were pinned to."""

from typing import Any, cast

from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import artifact_of, read, show
from stackfold.application.ports import ArtifactStore
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType


class ArtifactLoading:
    """Reads the values of artifacts."""

    def __init__(
        self, queries: ArtifactQueries, resolver: StackResolver, materializers: Materializers
    ) -> None:
        """Create the service.

        Args:
            queries: Reads recorded artifacts.
            resolver: Builds the artifact store of a pin.
            materializers: Read stored values.
        """
        self._queries = queries
        self._resolver = resolver
        self._materializers = materializers

    def load(self, id: str, no_pickle: bool) -> Any:
        """Return the value of an artifact; raises as `FoundArtifact.load`."""
        artifact, store = self._stored(id)
        readers = self._materializers.without_pickles() if no_pickle else self._materializers
        return read(artifact, store, readers)

    def show(self, id: str) -> Any:
        """Return the value of an artifact as JSON; raises as `FoundArtifact.show`."""
        artifact, store = self._stored(id)
        return show(artifact, store, self._materializers)

    def _stored(self, id: str) -> tuple[Artifact, ArtifactStore]:
        view, recorded = self._queries.recorded(id)
        pin = Pin.model_validate(recorded)
        store = cast(ArtifactStore, self._resolver.required(pin, ComponentType.ARTIFACT_STORE))
        return artifact_of(view), store
