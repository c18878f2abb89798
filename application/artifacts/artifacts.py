"""Artifacts: look up what runs produced, load it, see what it was made of, and prune.

Only loading and pruning need what eventsourcing and pydantic are for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from stackfold.application.artifacts.artifact_views import (
    LATEST_ARTIFACTS,
    ArtifactDescription,
    ArtifactQueries,
    Lineage,
    NamedArtifact,
)
from stackfold.application.listing.listing import Listing

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_loading import ArtifactLoading
    from stackfold.application.artifacts.pruning import PrunedStore, Pruning

GRACE = timedelta(days=1)
"""What was written so lately is not pruned: a run may be about to record it."""


@dataclass(frozen=True)
class FoundArtifact:
    """An artifact, and the way to its value."""

    view: NamedArtifact
    loading: "Callable[[], ArtifactLoading]"

    @property
    def name(self) -> str:
        """Its name, as "pipeline/step/output"."""
        return self.view.name

    @property
    def version(self) -> int:
        """Which of that name it is."""
        return self.view.version

    def load(self, *, no_pickle: bool = False) -> Any:
        """Its value, from the store where the run put it.

        Warns by `VersionsDiffer` if it was written with other versions than those here.

        Args:
            no_pickle: Refuse to load a pickle, which executes what the store holds.

        Raises:
            ArtifactDamaged: The value is gone, or not what was written, or a library is missing.
            PickleForbidden: It is a pickle, and those are refused.
            UnknownClass: It is of a class that this program has not imported.
        """
        return self.loading().load(self.view.id, no_pickle)

    def show(self) -> Any:
        """Its value as JSON has it: of a class that this program has not imported, the fields.

        Raises:
            ArtifactDamaged: The value is gone, or not what was written.
            UnknownClass: It was not written as JSON.
        """
        return self.loading().show(self.view.id)


class Artifacts:
    """What can be done with artifacts, and asked of them.

    For what a `reference` is, see `application.artifacts.artifact_views.ArtifactQueries`.
    """

    def __init__(
        self,
        queries: ArtifactQueries,
        loading: "Callable[[], ArtifactLoading]",
        pruning: "Callable[[], Pruning]",
    ) -> None:
        """Ask `queries`; `loading` and `pruning` are set up on first use."""
        self._queries = queries
        self._loading = loading
        self._pruning = pruning

    def list(
        self, listing: Listing = LATEST_ARTIFACTS, only_latest: bool = False
    ) -> Sequence[NamedArtifact]:
        """The artifacts, the latest first.

        Args:
            listing: Which of them, in which order.
            only_latest: Only the latest version of each name.

        Raises:
            InvalidListing: A column that artifacts do not have.
        """
        return self._queries.artifacts(listing, only_latest)

    def get(self, reference: str) -> FoundArtifact:
        """One artifact, ready to be loaded.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several, or the step has several outputs.
        """
        return FoundArtifact(self._queries.artifact(reference), self._loading)

    def load(self, reference: str, *, no_pickle: bool = False) -> Any:
        """The value of an artifact; raises as `get` and as `FoundArtifact.load`."""
        return self.get(reference).load(no_pickle=no_pickle)

    def describe(self, reference: str) -> ArtifactDescription:
        """One artifact, with where it comes from and where it is; raises as `get`."""
        return self._queries.describe_artifact(reference)

    def lineage(self, reference: str, *, upstream: bool = True, downstream: bool = True) -> Lineage:
        """What an artifact was made of, and what was made of it; raises as `get`.

        Args:
            reference: Which artifact.
            upstream: Whether the steps that led to it are wanted.
            downstream: Whether the steps that it led to are wanted.
        """
        return self._queries.lineage(reference, upstream, downstream)

    def prune(
        self,
        stores: Sequence[str] = (),
        *,
        dry_run: bool = False,
        grace: timedelta = GRACE,
    ) -> "Sequence[PrunedStore]":
        """Remove what no run or deployment refers to any more, and what killed writers left behind.

        Args:
            stores: The names of artifact stores. By default all of which the artifacts lie in
                this home; another one may hold what another home refers to.
            dry_run: Only tell what would be removed.
            grace: What was written so lately is left alone.

        Returns:
            What was removed from each store.

        Raises:
            NotFound: There never was an artifact store of one of the names.
        """
        return self._pruning().prune(stores, dry_run, datetime.now(UTC) - grace)
