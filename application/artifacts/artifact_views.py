"""What can be asked about artifacts, and what the answers look like."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.listing.listing import Listing

LATEST_ARTIFACTS = Listing(sort_by="position", descending=True)
"""Every artifact, the latest one first."""

EXECUTES = "to load it is to execute what the store holds: do so only if you trust the store"
"""What is said of a pickle."""


class ArtifactView(NamedTuple):
    """A value that a step produced."""

    id: str
    name: str
    """The output's name within its step."""
    run: str
    """The id of the run that made it."""
    step: str
    type: str
    """The value's Python type, as "module.Class"."""
    materializer: str
    uri: str
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    size: int
    """Length in bytes."""
    created: str
    pipeline: str
    version: int
    """Which of those of this pipeline, step and name it is; the first one is 1."""
    versions: dict[str, str]
    """"python" and module → the version that wrote it, where another may fail to read it."""
    metadata: dict[str, Any]
    """What the step said of it."""
    tags: list[str]

    @property
    def reference(self) -> str:
        """What it is found by, as "pipeline/step/output@version"."""
        return f"{self.pipeline}/{self.step}/{self.name}@{self.version}"


class NamedArtifact(NamedTuple):
    """One version of what a step of a pipeline produces under one name."""

    name: str
    """"pipeline/step/output"."""
    version: int
    """1 for the first that there was of that name, and so on; never used again."""
    id: str
    type: str
    """The value's Python type, as "module.Class"."""
    materializer: str
    size: int
    """Length in bytes."""
    created: str
    run: str
    """The id of the run that made it."""
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    uri: str
    tags: list[str]

    @property
    def reference(self) -> str:
        """What it is found by, as "pipeline/step/output@version"."""
        return f"{self.name}@{self.version}"


class ArtifactDescription(NamedTuple):
    """An artifact with where it comes from and where it is."""

    name: str
    version: int
    versions: int
    """How many of that name there are."""
    id: str
    type: str
    materializer: str
    size: int
    created: str
    digest: str
    uri: str
    tags: list[str]
    metadata: dict[str, Any]
    """What the step said of it."""
    run: str
    """The name of the run that made it, or its id if it was deleted."""
    stack: str
    stack_revision: int
    store: str
    """The artifact store that the run was pinned to."""
    store_flavor: str
    store_configuration: dict[str, Any]
    """As the run had it, whatever it is today."""
    written_with: dict[str, str]
    """"python" and module → the version that wrote it, where another may fail to read it."""
    trust: str
    """What to know before loading it; empty if nothing."""
    same_bytes: list[str]
    """Other artifacts with the same digest, as "pipeline/step/output@version"."""


class LineageStep(NamedTuple):
    """A step of a run, on the way to an artifact or from it."""

    depth: int
    """How many steps away it is; the one that made the artifact, or one that took it, is 1."""
    run: str
    """The run's name."""
    step: str
    pipeline: str
    stack: str
    stack_revision: int
    started: str | None
    by: str
    inputs: dict[str, str]
    """Input → the artifact that it was, as "pipeline/step/output@version"."""
    outputs: list[str]
    """Its outputs, likewise."""


class Lineage(NamedTuple):
    """What an artifact was made of, and what was made of it."""

    artifact: NamedArtifact
    upstream: list[LineageStep]
    """The step that made it, those that made what that took, and so on; the nearest first."""
    downstream: list[LineageStep]
    """The steps that took it, those that took what they made, and so on; the nearest first."""


class RecordedStore(NamedTuple):
    """An artifact store as components have described it at some time."""

    names: list[str]
    """What the components are or were called."""
    flavor: str
    configuration: dict[str, Any]
    """Only what was set explicitly."""


class ArtifactQueries(Protocol):
    """The questions about artifacts.

    A `reference` is "pipeline/step/output", which means the latest, with "@VERSION" or "@RUN"
    behind it for another; or an id, or a unique prefix of one. The output may be left out if the
    step has one.
    """

    def artifacts(
        self, listing: Listing = LATEST_ARTIFACTS, only_latest: bool = False
    ) -> list[NamedArtifact]:
        """The artifacts that a listing asks for.

        Args:
            listing: Which of them, in which order.
            only_latest: Only the latest version of each name.
        """
        ...

    def artifact(self, reference: str) -> NamedArtifact:
        """One artifact.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several, or the step has several outputs.
        """
        ...

    def describe_artifact(self, reference: str) -> ArtifactDescription:
        """One artifact with where it comes from; raises as `artifact` does."""
        ...

    def lineage(self, reference: str, upstream: bool = True, downstream: bool = True) -> Lineage:
        """What an artifact was made of, and what was made of it; raises as `artifact` does."""
        ...

    def recorded(self, id: str) -> tuple[ArtifactView, dict[str, Any]]:
        """What was recorded of an artifact, and the pin of the run that says where it was."""
        ...

    def stores(self) -> Sequence[RecordedStore]:
        """Every artifact store that there was."""
        ...

    def referenced(self) -> set[str]:
        """The addresses of everything in artifact stores that a run or a deployment refers to."""
        ...
