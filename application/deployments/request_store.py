"""The ports of recorded requests: batches on this machine, and batches in artifact stores."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class WaitingBatch(NamedTuple):
    """A batch of recorded requests that is not in an artifact store yet."""

    name: str
    """Unique among the batches of a deployment."""
    first: int
    """The time of its first request, in milliseconds since 1970."""
    last: int
    requests: int
    """The number of requests."""
    read: Callable[[], bytes]
    """Returns its lines."""
    discard: Callable[[], None]
    """Deletes it."""


class StoredBatch(NamedTuple):
    """A batch of recorded requests in an artifact store."""

    name: str
    uri: str
    digest: str
    """sha256 of its bytes, in hexadecimal."""
    size: int
    """Length in bytes."""
    first: int
    """The time of its first request, in milliseconds since 1970."""
    last: int
    requests: int
    """The number of requests."""
    expires: int
    """The time after which it is deleted."""
    store: Mapping[str, Any]
    """The pinned artifact store that contains it."""


class RequestSpools(Protocol):
    """The folders of this machine to which gateways record requests."""

    def begin(self, id: str, rate: float, leave_out: Sequence[str]) -> None:
        """Record the requests of a deployment from now on, as gateways here pass them on.

        Args:
            id: The deployment.
            rate: The share of the requests.
            leave_out: The fields that are never written.

        Raises:
            OSError: The settings cannot be written.
        """
        ...

    def end(self, id: str) -> None:
        """Record no further requests; what was recorded stays."""
        ...

    def waiting(self, id: str, *, is_recording: bool) -> Sequence[WaitingBatch]:
        """The batches that wait, the oldest first; the one that is being written is completed.

        Args:
            id: The deployment.
            is_recording: Whether its gateway has a recorder.
        """
        ...

    def remove(self, id: str) -> None:
        """Delete everything that waits, and the settings."""
        ...


class StoredBatches(Protocol):
    """The list of the batches in artifact stores, beside the log."""

    def add(self, id: str, batch: StoredBatch) -> None:
        """Add a batch of a deployment, unless it is listed already."""
        ...

    def of(self, id: str) -> Sequence[StoredBatch]:
        """The batches of a deployment, the oldest first."""
        ...

    def deployments(self) -> Sequence[str]:
        """The ids of all deployments with batches."""
        ...

    def remove(self, id: str, name: str) -> None:
        """Remove a batch from the list."""
        ...
