"""Artifacts: save, look up, load, trace and prune values.

Only saving, loading and pruning import eventsourcing and pydantic.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

from stackfold.application.arguments import checked
from stackfold.application.artifacts.artifact_views import (
    LATEST_ARTIFACTS,
    ArtifactAlias,
    ArtifactDescription,
    ArtifactQueries,
    Lineage,
    NamedArtifact,
)
from stackfold.application.artifacts.external_commands import ExternalCommands
from stackfold.application.artifacts.note_commands import NoteCommands
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.listing.listing import Listing
from stackfold.domain.runs.artifact_reference import ArtifactReference

if TYPE_CHECKING:
    from stackfold.application.artifacts.aliases import Aliases
    from stackfold.application.artifacts.annotating import Annotating
    from stackfold.application.artifacts.artifact_diffs import ArtifactDiffs
    from stackfold.application.artifacts.artifact_loading import ArtifactLoading
    from stackfold.application.artifacts.external_artifacts import ExternalArtifacts
    from stackfold.application.artifacts.folders import FolderView
    from stackfold.application.artifacts.previews import Preview
    from stackfold.application.artifacts.pruning import PrunedStore, Pruning
    from stackfold.application.history.views import HistoryEntry

GRACE = timedelta(days=1)
"""Artifacts written this recently are not pruned: a run may be about to record them."""


@dataclass(frozen=True)
class FoundArtifact(ArtifactReference):
    """An artifact whose value can be loaded, and that a pipeline can give to its steps."""

    view: NamedArtifact
    loading: "Callable[[], ArtifactLoading]"

    @property
    def given_as(self) -> str:
        """Its id, which is what a run records if it takes this artifact."""
        return self.view.id

    @property
    def name(self) -> str:
        """Its own name, or "pipeline/step/output" if it has none."""
        return self.view.name

    @property
    def version(self) -> int:
        """Its number among artifacts of that name."""
        return self.view.version

    def load(self, *, no_pickle: bool = False) -> Any:
        """Return its value, from the artifact store of its run.

        Warns by `VersionsDiffer` if it was written with other library versions.

        Args:
            no_pickle: Reject pickles: loading one executes code from the store.

        Raises:
            ArtifactDamaged: The value is missing or damaged, or a library is missing.
            PickleForbidden: It is a pickle, and `no_pickle` is set.
            UnknownClass: Its class is not imported in this program.
        """
        return self.loading().load(self.view.id, no_pickle)

    def show(self) -> Any:
        """Return its value as JSON, even if its class is not imported in this program.

        Raises:
            ArtifactDamaged: The value is missing or damaged.
            UnknownClass: It is not stored as JSON.
        """
        return self.loading().show(self.view.id)


@checked
class Artifacts(ExternalCommands, NoteCommands):
    """Commands and queries for artifacts.

    A `reference` is described at `application.artifacts.artifact_views.ArtifactQueries`.
    """

    def __init__(
        self,
        queries: ArtifactQueries,
        loading: "Callable[[], ArtifactLoading]",
        pruning: "Callable[[], Pruning]",
        aliases: "Callable[[], Aliases]",
        external: "Callable[[], ExternalArtifacts]",
        annotating: "Callable[[], Annotating]",
        diffs: "Callable[[], ArtifactDiffs]",
    ) -> None:
        """Create the service.

        Args:
            queries: Reads artifacts.
            loading: Creates, on first use, the service that reads values.
            pruning: Creates, on first use, the service that deletes unused artifacts.
            aliases: Creates, on first use, the service that sets aliases.
            external: Creates, on first use, the service that records what no run made.
            annotating: Creates, on first use, the service that changes tags and metadata.
            diffs: Creates, on first use, the service that compares artifacts.
        """
        self._external = external
        self._annotating = annotating
        self._diffs = diffs
        self._aliases = aliases
        self._queries = queries
        self._loading = loading
        self._pruning = pruning

    def list(
        self, listing: Listing = LATEST_ARTIFACTS, only_latest: bool = False
    ) -> Sequence[NamedArtifact]:
        """List artifacts, newest first.

        Args:
            listing: Filters, order and page.
            only_latest: List only the latest version of each name.

        Raises:
            InvalidListing: Artifacts do not have one of the columns.
        """
        return self._queries.artifacts(listing, only_latest)

    def get(self, reference: str, as_of: AsOf = None) -> FoundArtifact:
        """Return one artifact, to be loaded.

        Args:
            reference: The artifact: an id, or its name with a version, or a version of a model.
            as_of: The point in the past at which the reference is read; None for now.

        Raises:
            NotFound: The artifact does not exist.
            Ambiguous: The prefix matches several, or the step has several outputs.
        """
        found = self._queries.at(as_of).artifact(reference)
        return FoundArtifact(found, self._loading)

    def load(self, reference: str, *, no_pickle: bool = False, as_of: AsOf = None) -> Any:
        """Return the value of an artifact; raises as `get` and `FoundArtifact.load`."""
        return self.get(reference, as_of).load(no_pickle=no_pickle)

    def open(
        self,
        reference: str,
        *,
        file: str = "",
        max_bytes: int | None = None,
        timeout: float | None = None,
    ) -> AbstractContextManager[BinaryIO]:
        """Open the stored bytes of an artifact, after their size and digest were checked.

        Nothing is unpickled or otherwise interpreted. A remote artifact is downloaded first, in
        memory or to a temporary file that is deleted when the block ends:

            with workspace.artifacts.open("training/plot/roc") as file:
                picture = file.read()

        Args:
            reference: The artifact.
            file: The path of a file of a folder; empty for an artifact that is a single file.
            max_bytes: Reject an artifact of more bytes, before anything is read; None for any size.
            timeout: How many seconds to wait for the store; None for as long as it takes.

        Raises:
            NotFound: The artifact does not exist.
            Ambiguous: The prefix matches several, or the step has several outputs.
            ArtifactDamaged: Its bytes are missing or were changed.
            ArtifactStoreUnavailable: The store cannot be reached, or not within the time.
            Busy: With a timeout: several earlier reads of the store have not been answered yet.
            TooLarge: It has more than `max_bytes` bytes.
            InvalidFolder: It is a folder and no file is given, or the reverse.
        """
        id = self._queries.artifact(reference).id
        return self._loading().open(id, max_bytes, timeout, file)

    def converted(self, reference: str, format: str) -> AbstractContextManager[BinaryIO]:
        """Open an artifact in another format: a table, an array, JSON or a picture.

        Nothing is unpickled, and no class is imported or instantiated.

        Args:
            reference: The artifact.
            format: "csv", "json" or "parquet" of a table; "csv", "json" or "npy" of an array;
                "json" of JSON; "png" or "jpeg" of a picture.

        Raises:
            CannotConvert: It cannot be converted to the format.
            StackfoldError: As `open`.
        """
        return self._loading().converted(self._queries.artifact(reference).id, format)

    def folder(self, reference: str) -> "FolderView":
        """Return a stored folder, whose files can be listed, opened and copied.

        Args:
            reference: The artifact.

        Raises:
            NotFound: The artifact does not exist.
            Ambiguous: The prefix matches several, or the step has several outputs.
            InvalidFolder: It is a single file.
            ArtifactDamaged: The list of its files is missing or was changed.
            ArtifactStoreUnavailable: The store cannot be reached.
        """
        return self._loading().folder(self._queries.artifact(reference).id)

    def preview(self, reference: str, *, file: str = "", timeout: float | None = None) -> "Preview":
        """Return what an artifact contains: a picture's size, a table's first rows, JSON, text.

        If its materializer made a preview, that is returned. Nothing is unpickled, and no class is
        imported or instantiated.

        Args:
            reference: The artifact.
            file: The path of a file of a folder; empty for the artifact as a whole.
            timeout: How many seconds to wait for the store, and to parse; None for as long as it
                takes.

        Raises:
            StackfoldError: As `open`.
        """
        id = self._queries.artifact(reference).id
        return self._loading().preview(id, timeout, file)

    def open_preview(
        self, reference: str, *, timeout: float | None = None
    ) -> AbstractContextManager[BinaryIO]:
        """Open the text, picture or page that a materializer made to show an artifact.

        Args:
            reference: The artifact.
            timeout: How many seconds to wait for the store; None for as long as it takes.

        Raises:
            NotFound: The artifact does not exist, or has no such preview.
            StackfoldError: As `open`.
        """
        return self._loading().open_preview(self._queries.artifact(reference).id, timeout)

    def describe(
        self, reference: str, *, count: bool = True, as_of: AsOf = None
    ) -> ArtifactDescription:
        """Return an artifact with its origin and location; raises as `get`.

        Args:
            reference: The artifact.
            count: Whether to count the versions of its name; else `versions` is its own number.
            as_of: The point in the past at which aliases, versions, tags and metadata are read.
        """
        return self._queries.at(as_of).describe_artifact(reference, count)

    def versions(
        self, name: str, *, limit: int | None = None, until: int | None = None
    ) -> Sequence[NamedArtifact]:
        """List the versions of a name, newest first.

        Args:
            name: The artifact's own name, or PIPELINE/STEP/OUTPUT.
            limit: The maximum number of versions; None for all.
            until: The last position of the log; later versions are omitted.

        Raises:
            NotFound: The name is no name of an artifact.
        """
        return self._queries.versions(name, limit, until)

    def alias(self, reference: str, alias: str, why: str = "") -> NamedArtifact:
        """Let an alias stand for a version: "dataset@approved" is that version then.

        Args:
            reference: The version, such as "dataset@4"; without one, the latest.
            alias: The alias, which is taken from the version that it stood for, if any.
            why: The reason.

        Returns:
            The version.

        Raises:
            NotFound: The artifact does not exist.
            Ambiguous: The reference means several artifacts.
            InvalidName: The alias breaks the rule for names, or is like a number or an id.
            NothingToChange: It stands for that version.
        """
        return self._aliases().set(reference, alias, why)

    def remove_alias(self, reference: str, why: str = "") -> None:
        """Remove an alias; the version remains.

        Args:
            reference: The name and the alias, as "dataset@approved".
            why: The reason.

        Raises:
            NotFound: There is no such alias.
            Invalid: The reference has no alias.
        """
        self._aliases().remove(reference, why)

    def aliases(self, name: str, *, until: int | None = None) -> Sequence[ArtifactAlias]:
        """Return the aliases of an artifact: which version each stands for, since when and why.

        Args:
            name: The artifact's own name, or PIPELINE/STEP/OUTPUT.
            until: A position of the log, to return those of the past; None for now.
        """
        return self._aliases().of(name, until)

    def history(
        self, name: str, limit: int | None = None, *, until: int | None = None
    ) -> "Sequence[HistoryEntry]":
        """Return what happened to the aliases of an artifact, newest first.

        Args:
            name: The artifact's own name, or PIPELINE/STEP/OUTPUT. With a version, as in
                "dataset@4": the changes of the tags and metadata of that version.
            limit: The most entries; None for all.
            until: The last position of the log; later changes are omitted.

        Raises:
            NotFound: It never had an alias, or the version does not exist.
        """
        if "@" in name:
            return self._annotating().history(name, limit, until)
        return self._aliases().history(name, limit, until)

    def lineage(
        self,
        reference: str,
        *,
        upstream: bool = True,
        downstream: bool = True,
        most: int | None = None,
    ) -> Lineage:
        """Return the steps upstream and downstream of an artifact; raises as `get`.

        Args:
            reference: The artifact.
            upstream: Whether to include upstream steps.
            downstream: Whether to include downstream steps.
            most: The most steps in each direction, nearest first; None for all.
        """
        return self._queries.lineage(reference, upstream, downstream, most)

    @outside_changes
    def prune(
        self,
        stores: Sequence[str] = (),
        *,
        dry_run: bool = False,
        grace: timedelta = GRACE,
    ) -> "Sequence[PrunedStore]":
        """Delete unreferenced artifacts, and partial files of killed writers.

        Args:
            stores: Names of artifact stores; by default all that lie in this home. Other homes
                may refer to artifacts in a store outside it.
            dry_run: Report what would be deleted, without deleting it.
            grace: Artifacts written within this time are not deleted.

        Returns:
            What was deleted from each store.

        Raises:
            NotFound: No artifact store ever had one of the names.
        """
        return self._pruning().prune(stores, dry_run, datetime.now(UTC) - grace)
