"""The port of artifact stores, which store the values that steps return."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import BinaryIO, NamedTuple, Protocol

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.domain.errors import OutsideStore
from stackfold.domain.stacks.component_type import ComponentType


class StoredArtifact(NamedTuple):
    """Where written bytes were stored."""

    uri: str
    digest: str
    """sha256 in hexadecimal."""
    size: int
    """Length in bytes."""


class ListedArtifact(NamedTuple):
    """An artifact as its store lists it."""

    uri: str
    size: int
    """Length in bytes."""
    written: datetime
    """Time of the last write by the store's clock, in UTC."""


class ArtifactWriter(Protocol):
    """A binary file open for writing."""

    stored: StoredArtifact
    """Set when the block of `ArtifactStore.create` ends."""

    def write(self, data: bytes, /) -> int:
        """Append bytes and return their number.

        Args:
            data: The next bytes.
        """
        ...


class ArtifactStore(StackComponent[ConfigurationT]):
    """Stores the values that steps return, addressed by their content."""

    component_type = ComponentType.ARTIFACT_STORE

    def environment(self) -> Mapping[str, str]:
        """Environment variables by which a model server reads this store; none by default.

        They are written into Kubernetes manifests, so they must hold no secret.
        """
        return {}

    @abstractmethod
    def create(self) -> AbstractContextManager[ArtifactWriter]:
        """Open a new artifact for writing.

        When the block ends, the artifact is complete and durable; when it raises, nothing is
        stored. Equal bytes are stored once.
        """

    @abstractmethod
    def open(self, uri: str, digest: str) -> AbstractContextManager[BinaryIO]:
        """Open an artifact for reading.

        Args:
            uri: Its address.
            digest: The expected sha256, in hexadecimal.

        Raises:
            ArtifactDamaged: It does not exist, or its bytes have another sha256.
            OutsideStore: The address is not inside this store.
        """

    @abstractmethod
    def size(self, uri: str) -> int | None:
        """Return an artifact's length in bytes, or None if it does not exist.

        Args:
            uri: The address of the object.

        Raises:
            OutsideStore: The address is not inside this store.
        """

    def identify(self, uri: str) -> StoredArtifact:
        """Read an object that this store did not write, and return its digest and size.

        Args:
            uri: The address of the object, which `open` and `size` accept from then on.

        Raises:
            ArtifactDamaged: It does not exist.
            OutsideStore: The address is not inside this store, or the store only reads its own
                objects.
        """
        raise OutsideStore(uri, f"of flavor {self.flavor!r}, which only reads its own objects")

    @abstractmethod
    def delete(self, uri: str, before: datetime | None = None) -> bool:
        """Delete an artifact, if it exists.

        Args:
            uri: Its address.
            before: Delete it only if it was last written before this time. A concurrent writer of
                the same bytes must not lose them.

        Returns:
            Whether the artifact existed and was deleted.

        Raises:
            OutsideStore: The address is not inside this store.
        """

    @abstractmethod
    def list_artifacts(self) -> Iterator[ListedArtifact]:
        """List all artifacts by address; those written or deleted meanwhile may be missing."""

    def current_uri(self, uri: str) -> str:
        """Return the address under which `list_artifacts` lists an artifact.

        Args:
            uri: The recorded address; the store may have been moved since.
        """
        return uri

    def sweep(self, before: datetime) -> int:
        """Delete the partial files of killed writers.

        Args:
            before: Delete only files that were last written before this time.

        Returns:
            The number of bytes freed.
        """
        return 0
