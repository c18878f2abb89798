"""The objects of a bucket: sent, fetched, and deleted without taking what was written meanwhile."""

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from stackfold.infrastructure.flavors.s3.errors import Fault
from stackfold.infrastructure.flavors.spooled_buffer import SpooledBuffer

Answer = TypeVar("Answer")

PART = 8 * 2**20
"""What is at most this long is sent and fetched at once; what is longer, in parts of this length,
and it lies in a temporary file meanwhile, not in memory."""

_MOST_PARTS = 10_000
_CONCURRENT_PARTS = 4
_HASTE = 20
"""Seconds within which a claim must be followed by the deletion."""
_TICK = timedelta(seconds=1)
"""S3 tells times in whole seconds."""


class Settings(NamedTuple):
    """How to get at a bucket."""

    bucket: str
    endpoint: str
    region: str
    virtual: bool
    """Whether the bucket's name goes into the host's name."""
    credentials: tuple[str, str, str | None] | None
    """Access key, secret key, session token; None for those of the environment or the machine."""
    connect_timeout: float
    timeout: float
    retry_timeout: float


class Bucket:
    """A bucket, by the client library obstore. Its methods raise that library's errors."""

    def __init__(self, settings: Settings) -> None:
        """Set up the client; nothing is sent yet."""
        self._settings = settings
        self._client = _client(settings)

    def found(self, key: str) -> Any:
        """What the server tells of an object; None if it is not there."""
        import obstore

        try:
            return obstore.head(self._client, key)
        except FileNotFoundError:
            # That has no text which would tell whether the bucket is there; a list has.
            next(iter(obstore.list(self._client, key)), None)
            return None

    def objects(self, folder: str) -> Iterator[Any]:
        """What the server tells of every object in a folder, by key."""
        import obstore

        for page in obstore.list(self._client, folder or None):
            yield from page

    def is_old(self, found: Any, before: datetime) -> bool:
        """Whether an object was written before a time."""
        return bool(found["last_modified"] + _TICK < before)

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        import obstore

        self._repeatedly(lambda: obstore.delete(self._client, [key]))

    # -- sending and fetching

    def put(self, key: str, claim: str, gathered: SpooledBuffer) -> None:
        """Make sure that an object is there, whole, and written now.

        Args:
            key: Where. Whoever writes there writes the same bytes.
            claim: The key of the claim that is there while the object is being deleted.
            gathered: The bytes.
        """
        if gathered.path is None:
            # What is found there has the same bytes: this call put them, and only the answer was
            # lost, or somebody else did. Which of them cannot be told, and renewing suits both.
            if not self._create(key, gathered.data.getvalue()):
                self._renew(key, claim, gathered)
        elif self.found(key) is None:
            # Of parts no server lets one say "only if it is not there". It need not be said: they
            # appear as a whole, and nobody deletes what was not there a moment ago.
            self._send(key, gathered)
        else:
            self._renew(key, claim, gathered)

    def fetch(self, key: str, into: SpooledBuffer) -> None:
        """Gather an object's bytes; in requests so small that each is soon over."""
        import obstore

        def whole_if_small() -> tuple[int, Any]:
            found = obstore.get(self._client, key)
            size = found.meta["size"]
            return size, found.bytes() if size <= PART else None

        def part(start: int, end: int) -> Any:
            return self._repeatedly(
                lambda: obstore.get_range(self._client, key, start=start, end=end)
            )

        size, data = self._repeatedly(whole_if_small)
        if data is not None:
            into.write(memoryview(data))
            return
        for start in range(0, size, PART):
            into.write(memoryview(part(start, min(start + PART, size))))

    def _send(self, key: str, gathered: SpooledBuffer) -> None:
        import obstore

        path = gathered.path
        if path is None:
            data = gathered.data.getvalue()
            obstore.put(self._client, key, data, mode="overwrite", use_multipart=False)
            return
        self._repeatedly(
            lambda: obstore.put(
                self._client,
                key,
                path,
                use_multipart=True,
                chunk_size=max(PART, -(-gathered.size // _MOST_PARTS)),
                max_concurrency=_CONCURRENT_PARTS,
            )
        )

    def _create(self, key: str, data: bytes) -> bool:
        """Put an object if there is none; whether that was so.

        It may also say no because of what this very call put: when the server took it and the
        answer was lost, the repetition finds it there.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            self._repeatedly(
                lambda: obstore.put(self._client, key, data, mode="create", use_multipart=False)
            )
        except AlreadyExistsError:
            return False
        return True

    def _repeatedly(self, request: Callable[[], Answer]) -> Answer:
        """Repeat a request whose connection was cut.

        The client library repeats by itself only what HTTP calls idempotent, and of the rest only
        what it knows never to have arrived. Each request here may be repeated: what is put under a
        key is always the same, and what is deleted twice is gone.
        """
        from obstore.exceptions import BaseError

        end, pause = time.monotonic() + self._settings.retry_timeout, 0.1
        while True:
            try:
                return request()
            except BaseError as error:
                if not Fault.of(error).was_cut or time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 2)

    # -- deleting what is old while others write it anew
    #
    # Who deletes puts a claim there, then looks how old the object is, deletes it, and takes the
    # claim away; one at a time, as a claim is made only where there is none. Who writes over an
    # object looks, after that, whether there is a claim, and then whether the object is still
    # there. So either the deleter sees the new object and leaves it, or the writer sees that it
    # is gone. An object that is new needs no look: no deleter can have found it old.

    def _renew(self, key: str, claim: str, gathered: SpooledBuffer) -> None:
        self._send(key, gathered)
        while True:
            claimed = self.found(claim)
            found = self.found(key)
            if found is None:
                self._send(key, gathered)
            elif claimed is None or self._is_stale(claimed, found["last_modified"]):
                return
            else:
                time.sleep(0.05)

    def delete_unless_renewed(self, key: str, claim: str, before: datetime) -> bool:
        """Remove an object that was written before a time; whether it was removed."""
        found = self.found(key)
        if found is None or not self.is_old(found, before):
            return False
        began = time.monotonic()
        token = secrets.token_bytes(16)
        if not self._create(claim, token) and self._content(claim) != token:
            return False  # somebody else deletes it; or was killed doing so, which `sweep` fixes
        try:
            found = self.found(key)
            if found is None or not self.is_old(found, before):
                return False
            # A writer waits for a claim, but not for ever.
            if time.monotonic() - began > _HASTE:
                return False
            self.remove(key)
            return True
        finally:
            self.remove(claim)

    def _content(self, key: str) -> bytes | None:
        """The bytes of a small object; None if it is not there."""
        import obstore

        try:
            return bytes(obstore.get(self._client, key).bytes())
        except FileNotFoundError:
            return None

    def _is_stale(self, claimed: Any, now: datetime) -> bool:
        """Whether who made a claim must have deleted by now, or died."""
        patience = _HASTE + 2 * (self._settings.timeout + self._settings.retry_timeout)
        return bool(now - claimed["last_modified"] > timedelta(seconds=patience))


def endpoint_of(settings: Settings) -> str:
    """Where requests go: with virtual addressing, the bucket's name is in the host's name."""
    if settings.virtual:
        return settings.endpoint.replace("://", f"://{settings.bucket}.", 1)
    return settings.endpoint


def _client(settings: Settings) -> Any:
    from obstore.store import S3Store

    options: dict[str, Any] = {}
    if settings.credentials:
        key, secret, token = settings.credentials
        told = {
            "access_key_id": key,
            "secret_access_key": secret,
            "token": token,
            "expires_at": None,
        }
        # By this way, and not as options, nothing of AWS_SESSION_TOKEN and the like is mixed in.
        options["credential_provider"] = lambda: told
    return S3Store(
        settings.bucket,
        # All that is given here, AWS_ENDPOINT_URL and the like cannot change.
        endpoint=endpoint_of(settings),
        region=settings.region,
        virtual_hosted_style_request=settings.virtual,
        skip_signature=False,
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=settings.connect_timeout),
            "timeout": timedelta(seconds=settings.timeout),
        },
        retry_config={
            "max_retries": 1000 if settings.retry_timeout else 0,
            "retry_timeout": timedelta(seconds=settings.retry_timeout),
            "backoff": {
                "init_backoff": timedelta(seconds=0.1),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        },
        **options,
    )
