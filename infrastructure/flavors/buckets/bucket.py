"""The objects of a bucket: upload, download, and deletion that spares renewed objects."""

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from stackfold.infrastructure.flavors.buckets.errors import BucketError
from stackfold.infrastructure.flavors.spooled_buffer import SpooledBuffer

Answer = TypeVar("Answer")

PART = 8 * 2**20
"""Bytes that are transferred at once; larger objects go in parts, through a temporary file."""

_MAX_PARTS = 10_000
_CONCURRENT_PARTS = 4
_MAX_CLAIM = 20
"""Seconds between a claim and the deletion, at most."""
_TIME_RESOLUTION = timedelta(seconds=1)
"""Servers return times in whole seconds."""


class Limits(NamedTuple):
    """Limits of requests, in seconds."""

    connect_timeout: float
    timeout: float
    """Until one request times out."""
    retry_timeout: float
    """For which a failed request is repeated."""

    def options(self) -> dict[str, Any]:
        """Return the arguments for a client of obstore."""
        return {
            "client_options": {
                "allow_http": True,
                "connect_timeout": timedelta(seconds=self.connect_timeout),
                "timeout": timedelta(seconds=self.timeout),
            },
            "retry_config": {
                "max_retries": 1000 if self.retry_timeout else 0,
                "retry_timeout": timedelta(seconds=self.retry_timeout),
                "backoff": {
                    "init_backoff": timedelta(seconds=0.1),
                    "max_backoff": timedelta(seconds=2),
                    "base": 2,
                },
            },
        }


class Bucket:
    """A bucket, through the client library obstore; raises errors of that library."""

    def __init__(self, client: Any, limits: Limits) -> None:
        """Create the bucket; nothing is sent yet.

        Args:
            client: A store of obstore.
            limits: The limits that the client has.
        """
        self._client = client
        self._limits = limits

    def metadata(self, key: str) -> Any:
        """Return the metadata of an object; None if it does not exist."""
        import obstore

        try:
            return obstore.head(self._client, key)
        except FileNotFoundError:
            self._check_bucket(key)
            return None

    def objects(self, folder: str) -> Iterator[Any]:
        """Yield the metadata of every object in a folder, by key."""
        import obstore

        for page in obstore.list(self._client, folder or None):
            yield from page

    def is_old(self, found: Any, before: datetime) -> bool:
        """Return whether an object was written before a time."""
        return bool(found["last_modified"] + _TIME_RESOLUTION < before)

    def remove(self, key: str) -> None:
        """Delete an object, if it exists."""
        import obstore

        try:
            self._retry(lambda: obstore.delete(self._client, [key]))
        except FileNotFoundError:
            self._check_bucket(key)

    def _check_bucket(self, key: str) -> None:
        """Raise an error if the bucket is missing, which that of a missing object does not say."""
        import obstore

        next(iter(obstore.list(self._client, key)), None)

    # -- upload and download

    def put(self, key: str, claim: str, content: SpooledBuffer) -> None:
        """Make sure that an object exists, complete, and with the current time.

        Args:
            key: The key, under which all writers write the same bytes.
            claim: The key of the claim that exists while the object is being deleted.
            content: The bytes.
        """
        if content.path is None:
            # An existing object has the same bytes: this call has written it and the response was
            # lost, or another writer has. Renewing is right in both cases.
            if not self._create(key, content.data.getvalue()):
                self._renew(key, claim, content)
        elif self.metadata(key) is None:
            # An upload in parts cannot be conditional, and need not be: the object appears at once,
            # and no deleter can have claimed an object that did not exist.
            self._upload(key, content)
        else:
            self._renew(key, claim, content)

    def download(self, key: str, into: SpooledBuffer) -> None:
        """Read an object, in requests of at most `PART` bytes."""
        import obstore

        def whole_if_small() -> tuple[int, Any]:
            found = obstore.get(self._client, key)
            size = found.meta["size"]
            return size, found.bytes() if size <= PART else None

        def part(start: int, end: int) -> Any:
            return self._retry(lambda: obstore.get_range(self._client, key, start=start, end=end))

        size, data = self._retry(whole_if_small)
        if data is not None:
            into.write(memoryview(data))
            return
        for start in range(0, size, PART):
            into.write(memoryview(part(start, min(start + PART, size))))

    def _upload(self, key: str, content: SpooledBuffer) -> None:
        import obstore

        path = content.path
        if path is None:
            data = content.data.getvalue()
            obstore.put(self._client, key, data, mode="overwrite", use_multipart=False)
            return
        self._retry(
            lambda: obstore.put(
                self._client,
                key,
                path,
                use_multipart=True,
                chunk_size=max(PART, -(-content.size // _MAX_PARTS)),
                max_concurrency=_CONCURRENT_PARTS,
            )
        )

    def _create(self, key: str, data: bytes) -> bool:
        """Create an object; returns False if it exists.

        It is also False if this call has created it and the response was lost: the retry finds
        the object.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            self._retry(
                lambda: obstore.put(self._client, key, data, mode="create", use_multipart=False)
            )
        except AlreadyExistsError:
            return False
        return True

    def _retry(self, request: Callable[[], Answer]) -> Answer:
        """Repeat a request whose response was lost, or an upload whose parts the server has lost.

        The client library repeats only idempotent methods of HTTP, and others if the request was
        not sent. Every request here can be repeated: the bytes under a key are always the same,
        and deleting twice does no harm.
        """
        from obstore.exceptions import BaseError

        end, pause = time.monotonic() + self._limits.retry_timeout, 0.1
        while True:
            try:
                return request()
            except (BaseError, FileNotFoundError) as error:
                if not BucketError.parse(error).is_lost or time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 2)

    # -- deleting old objects while others renew them
    #
    # A deleter creates a claim, checks the object's age, deletes the object and then the claim.
    # There is one deleter at a time, as a claim is created only if none exists. A writer overwrites
    # the object, then checks for a claim, and then whether the object still exists. So either the
    # deleter sees the renewed object and leaves it, or the writer sees that it was deleted. A new
    # object needs no check: no deleter can have seen it as old.

    def _renew(self, key: str, claim: str, content: SpooledBuffer) -> None:
        self._upload(key, content)
        while True:
            claimed = self.metadata(claim)
            found = self.metadata(key)
            if found is None:
                self._upload(key, content)
            elif claimed is None or self._is_stale(claimed, found["last_modified"]):
                return
            else:
                time.sleep(0.05)

    def delete_unless_renewed(self, key: str, claim: str, before: datetime) -> bool:
        """Delete an object that was written before a time; returns whether it was deleted."""
        found = self.metadata(key)
        if found is None or not self.is_old(found, before):
            return False
        began = time.monotonic()
        token = secrets.token_bytes(16)
        if not self._create(claim, token) and self._content(claim) != token:
            return False  # another deleter has claimed it, or was killed: see `sweep`
        try:
            found = self.metadata(key)
            if found is None or not self.is_old(found, before):
                return False
            # Writers ignore a claim that is too old.
            if time.monotonic() - began > _MAX_CLAIM:
                return False
            self.remove(key)
            return True
        finally:
            self.remove(claim)

    def _content(self, key: str) -> bytes | None:
        """The bytes of a small object; None if it does not exist."""
        import obstore

        try:
            return bytes(obstore.get(self._client, key).bytes())
        except FileNotFoundError:
            return None

    def _is_stale(self, claimed: Any, now: datetime) -> bool:
        """Return whether the deleter of a claim must have finished or died."""
        limit = _MAX_CLAIM + 2 * (self._limits.timeout + self._limits.retry_timeout)
        return bool(now - claimed["last_modified"] > timedelta(seconds=limit))
