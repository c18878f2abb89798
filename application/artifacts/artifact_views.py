"""Queries for artifacts, and the views they return."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.listing.listing import Listing

LATEST_ARTIFACTS = Listing(sort_by="position", descending=True)
"""All artifacts, newest first."""

PICKLE_WARNING = "loading it executes code from the store: load it only if you trust the store"
"""Shown with an artifact that is a pickle."""


class ArtifactView(NamedTuple):
    """A value that a step produced, or that was saved outside of any run."""

    id: str
    name: str
    """The output's name within its step."""
    run: str
    """The id of the run that produced it; empty if none did."""
    step: str
    type: str
    """The value's Python type, as "module.Class"."""
    materializer: str
    uri: str
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    size: int
    """Length in bytes; of a folder, that of its files together."""
    files: int | None
    """The number of files in a folder; None for a single file."""
    manifest: int | None
    """Length in bytes of the manifest of a folder; None for a single file."""
    created: str
    pipeline: str
    version: int
    """Its number among artifacts of this pipeline, step and name, from 1."""
    own_name: str | None
    """Its name across pipelines; None if it has none."""
    own_version: int | None
    """Its number among artifacts of that name, from 1."""
    versions: dict[str, str]
    """For version-dependent formats: "python" and module → the version that wrote it."""
    preview: dict[str, Any] | None
    """The `uri`, `digest` and `size` of the preview that its materializer made, if any."""
    metadata: dict[str, Any]
    """Added by the step, and facts that its materializer found, such as the columns of a frame."""
    tags: list[str]

    def __repr__(self) -> str:
        return f"<ArtifactView {self.reference}>"

    @property
    def stored_size(self) -> int:
        """Length in bytes of the object that `uri` identifies."""
        return self.size if self.manifest is None else self.manifest

    @property
    def reference(self) -> str:
        """Its reference, as "name@version" or "pipeline/step/output@version"."""
        if self.own_name:
            return f"{self.own_name}@{self.own_version}"
        return f"{self.pipeline}/{self.step}/{self.name}@{self.version}"


class NamedArtifact(NamedTuple):
    """An artifact as a version of a name."""

    name: str
    """Its own name, or "pipeline/step/output" if it has none."""
    version: int
    """Counts from 1 per name; a number is never reused."""
    id: str
    type: str
    """The value's Python type, as "module.Class"."""
    materializer: str
    size: int
    """Length in bytes; of a folder, that of its files together."""
    files: int | None
    """The number of files in a folder; None for a single file."""
    created: str
    run: str
    """The id of the run that produced it; empty if none did."""
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    uri: str
    label: str
    """A text that names the version; empty for none."""
    output: str
    """The output that it was produced as: "pipeline/step/output"; empty if no run did."""
    tags: list[str]

    def __repr__(self) -> str:
        return f"<NamedArtifact {self.reference}>"

    @property
    def reference(self) -> str:
        """Its reference, as "name@version"."""
        return f"{self.name}@{self.version}"


class ArtifactDescription(NamedTuple):
    """An artifact with its origin and location."""

    name: str
    version: int
    versions: int
    """Number of versions of that name."""
    id: str
    type: str
    materializer: str
    size: int
    files: int | None
    """The number of files in a folder; None for a single file."""
    created: str
    digest: str
    uri: str
    label: str
    """A text that names the version; empty for none."""
    output: str
    """The output that it was produced as: "pipeline/step/output"; empty if no run did."""
    tags: list[str]
    metadata: dict[str, Any]
    """Added by the step."""
    run: str
    """The name of the run that produced it, or its id if the run was deleted; empty for none."""
    source: str
    """The path or address that it was registered from; empty for none."""
    in_place: bool
    """Whether it was registered where it is, and not copied to the store."""
    by: str
    """Who started the run, or saved or registered it."""
    why: str
    stack: str
    stack_revision: int
    store: str
    """The artifact store that the run was pinned to."""
    store_flavor: str
    store_configuration: dict[str, Any]
    """The configuration pinned by the run."""
    written_with: dict[str, str]
    """For version-dependent formats: "python" and module → the version that wrote it."""
    trust: str
    """A warning to read before loading it; may be empty."""
    same_bytes: list[str]
    """The references of other artifacts with the same digest."""


class ArtifactAlias(NamedTuple):
    """An alias of an artifact, and how it came to stand for its version."""

    alias: str
    version: int
    """The number of the version that it stands for."""
    position: int
    """The position in the log."""
    when: str
    """RFC 3339, UTC."""
    by: str
    why: str
    action: str
    """What was done, such as "alias set" or "reverted"."""


class LineageStep(NamedTuple):
    """A step of a run upstream or downstream of an artifact."""

    depth: int
    """Distance in steps; the step that produced the artifact, or a direct consumer, is 1."""
    run: str
    """The run's name."""
    step: str
    pipeline: str
    stack: str
    stack_revision: int
    started: str | None
    by: str
    inputs: dict[str, str]
    """Input → the reference of its artifact."""
    outputs: list[str]
    """The references of its outputs."""


class Lineage(NamedTuple):
    """The steps upstream and downstream of an artifact."""

    artifact: NamedArtifact
    upstream: list[LineageStep]
    """The step that produced it, those that produced its inputs, and so on, nearest first."""
    downstream: list[LineageStep]
    """The steps that used it, those that used their outputs, and so on, nearest first."""


class RecordedStore(NamedTuple):
    """An artifact store as some revisions of components configured it."""

    names: list[str]
    """The current and former names of the components."""
    flavor: str
    configuration: dict[str, Any]
    """Only the explicitly set attributes."""


class StoredManifest(NamedTuple):
    """The manifest of a stored folder."""

    uri: str
    digest: str
    size: int
    """Length in bytes."""


class ArtifactQueries(Protocol):
    """Queries for artifacts.

    A `reference` is the artifact's own name or "pipeline/step/output" for the latest version,
    followed by "@VERSION", "@LABEL" or "@RUN" (also "@good" and the like) for another one; or an
    id or a unique prefix of one. The output may be omitted if the step has only one.
    """

    def stacks_of(self, id: str) -> Mapping[str, str]:
        """The id of each stack whose runs have the artifact with an id as an output → its name."""
        ...

    def is_promoted(self, id: str) -> bool:
        """Whether an alias stands for the artifact with an id, or for its version of a model."""
        ...

    def at(self, as_of: AsOf) -> "ArtifactQueries":
        """Return the queries of a point in the past; these, if that is None."""
        ...

    def artifacts(
        self, listing: Listing = LATEST_ARTIFACTS, only_latest: bool = False
    ) -> list[NamedArtifact]:
        """List artifacts.

        Args:
            listing: Filters, order and page.
            only_latest: List only the latest version of each name.
        """
        ...

    def versions(
        self, name: str, limit: int | None = None, until: int | None = None
    ) -> list[NamedArtifact]:
        """List the versions of a name, newest first.

        Args:
            name: The artifact's own name, or "pipeline/step/output".
            limit: The maximum number of versions.
            until: The last position; later versions are omitted.

        Raises:
            NotFound: The name is no name of an artifact.
        """
        ...

    def aliases(self, name: str, until: int | None = None) -> dict[str, int]:
        """Return the aliases of a name → the number of the version that each stands for.

        Args:
            name: The artifact's own name, or "pipeline/step/output".
            until: A position, to return those of the past; None for now.
        """
        ...

    def artifact(self, reference: str) -> NamedArtifact:
        """Return one artifact.

        Raises:
            NotFound: The artifact does not exist.
            Ambiguous: The prefix matches several, or the step has several outputs.
        """
        ...

    def describe_artifact(self, reference: str, count: bool = True) -> ArtifactDescription:
        """Return an artifact with its origin; raises as `artifact`.

        Args:
            reference: The artifact.
            count: Whether to count the versions of its name; else `versions` is its own number.
        """
        ...

    def lineage(
        self,
        reference: str,
        upstream: bool = True,
        downstream: bool = True,
        most: int | None = None,
    ) -> Lineage:
        """Return the steps up- and downstream of an artifact; raises as `artifact`.

        Args:
            reference: The artifact.
            upstream: Whether to return upstream steps.
            downstream: Whether to return downstream steps.
            most: The most steps in each direction, nearest first; None for all.
        """
        ...

    def recorded(self, id: str) -> tuple[ArtifactView, dict[str, Any]]:
        """Return a recorded artifact, and the pin of the run that produced it."""
        ...

    def stores(self) -> Sequence[RecordedStore]:
        """List all artifact stores that were ever configured."""
        ...

    def referenced(self) -> set[str]:
        """Return the addresses of all artifacts that a run or a deployment refers to.

        Of a folder, that is its manifest; the addresses of its files are in it.
        """
        ...

    def folders(self) -> Sequence[StoredManifest]:
        """Return the manifests of all folders that a run or a deployment refers to."""
        ...
