"""RecordedRequests: moves recorded requests to artifact stores, reads them, and deletes them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from stackfold.application.deployments.gateways import Gateways
from stackfold.application.deployments.request_store import (
    RequestSpools,
    StoredBatch,
    StoredBatches,
    WaitingBatch,
)
from stackfold.application.ports import ArtifactStore
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.runs.pin import PinnedComponent

DAYS = 30
"""The days that requests are kept unless it is said otherwise."""

Built = Callable[[PinnedComponent], object]
"""Builds a pinned component."""


class Collected(NamedTuple):
    """What became of the recorded requests of a deployment."""

    deployment: str
    """Its name; its id if it was deleted."""
    moved: int
    """The number of requests that were moved to the artifact store."""
    deleted: int
    """The number of requests that were deleted, as they were older than what is kept."""


class RecordedRequests:
    """The recorded requests of deployments."""

    def __init__(
        self, spools: RequestSpools, gateways: Gateways, batches: StoredBatches, built: Built
    ) -> None:
        """Create the service.

        Args:
            spools: Contain what gateways of this machine have recorded.
            gateways: Know whether they record.
            batches: List what is in artifact stores.
            built: Builds artifact stores.
        """
        self._spools, self._gateways = spools, gateways
        self._batches, self._built = batches, built

    def collect(self, deployment: Deployment) -> Collected:
        """Move what waits on this machine to the artifact store, and delete what is too old.

        Raises:
            ArtifactStoreUnavailable: The store cannot be reached; what waits stays.
        """
        rollout, id = deployment.rollout, str(deployment.id)
        recording = rollout.recording
        pinned = recording.store if recording else rollout.main.store
        days = recording.keep_days if recording else DAYS
        moved = 0
        gateway = rollout.gateway if deployment.status == "started" else None
        is_recording = gateway is not None and self._gateways.is_recording(id, gateway)
        waiting = self._spools.waiting(id, is_recording=is_recording)
        if waiting:
            store = cast(ArtifactStore, self._built(pinned))
            for batch in waiting:
                self._batches.add(id, _moved(batch, store, pinned, days))
                batch.discard()
                moved += batch.requests
        oldest = _milliseconds(datetime.now(UTC) - timedelta(days=days)) if recording else 0
        deleted = self._delete(id, lambda each: each.last < oldest or _is_expired(each))
        return Collected(deployment.name, moved, deleted)

    def forget(self, id: str) -> int:
        """Delete everything that was recorded of a deployment.

        Returns:
            The number of requests.

        Raises:
            ArtifactStoreUnavailable: A store cannot be reached.
        """
        self._spools.remove(id)
        return self._delete(id, lambda _: True)

    def lines(self, id: str, since: int, newest_first: bool = False) -> Iterator[dict[str, Any]]:
        """Yield recorded requests, as they were written.

        Args:
            id: The deployment.
            since: The time of the first one, in milliseconds since 1970.
            newest_first: Whether to begin with the newest one.

        Raises:
            ArtifactStoreUnavailable: A store cannot be reached.
            ArtifactDamaged: A batch is missing or was changed.
        """
        batches = [each for each in self._batches.of(id) if each.last >= since]
        for batch in reversed(batches) if newest_first else batches:
            lines = [json.loads(line) for line in self._content(batch).splitlines()]
            yield from (
                each for each in (reversed(lines) if newest_first else lines) if each["at"] >= since
            )

    # -- private

    def _content(self, batch: StoredBatch) -> bytes:
        store = cast(ArtifactStore, self._built(_pinned(batch.store)))
        with store.open(batch.uri, batch.digest) as file:
            return file.read()

    def _delete(self, id: str, condition: Callable[[StoredBatch], bool]) -> int:
        deleted = 0
        for batch in self._batches.of(id):
            if condition(batch):
                store = cast(ArtifactStore, self._built(_pinned(batch.store)))
                store.delete(batch.uri)
                self._batches.remove(id, batch.name)
                deleted += batch.requests
        return deleted


def rows_of(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of answered requests: each with its time, the model, and all columns of any row."""
    rows = [
        {"at": time_of(line["at"]), "model": line["model"], **row}
        for line in lines
        if line["status"] < 300
        for row in line.get("rows", ())
    ]
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def time_of(milliseconds: int) -> str:
    """A recorded time as RFC 3339."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _moved(
    batch: WaitingBatch, store: ArtifactStore, pinned: PinnedComponent, days: int
) -> StoredBatch:
    """Write a batch to a store; values of secrets that are known here are replaced."""
    text = redacted(batch.read().decode("utf-8", "replace"))
    with store.create() as file:
        file.write(text.encode())
    uri, digest, size = file.stored
    expires = batch.last + days * 86_400_000
    return StoredBatch(
        batch.name,
        uri,
        digest,
        size,
        batch.first,
        batch.last,
        batch.requests,
        expires,
        pinned.model_dump(mode="json"),
    )


def _pinned(content: Mapping[str, Any]) -> PinnedComponent:
    return PinnedComponent.model_validate(content)


def _is_expired(batch: StoredBatch) -> bool:
    return batch.expires < _milliseconds(datetime.now(UTC))


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
