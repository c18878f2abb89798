"""What artifact stores in buckets have in common: everything but configuration and client."""

import re
import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from urllib.parse import urlsplit

from stackfold.application import ports
from stackfold.application.ports import ArtifactStore, ListedArtifact, StoredArtifact
from stackfold.domain.errors import ArtifactDamaged, ArtifactStoreUnavailable, OutsideStore
from stackfold.infrastructure.flavors.buckets.bucket import PART, Bucket, Limits
from stackfold.infrastructure.flavors.buckets.errors import BucketError, Messages
from stackfold.infrastructure.flavors.spooled_buffer import SpooledBuffer
from stackfold.infrastructure.system.loopback import is_loopback

_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
_OTHER = re.compile(r"[\w=+-][\w.=+-]*(?:/[\w=+-][\w.=+-]*)*", re.ASCII)
"""Keys, below the prefix, of objects of others that can be registered."""
_CLAIMS = ".deleting"
"""The folder of claims: an object for each artifact that is being deleted."""
_CHECK_TIMEOUT = 5.0
"""Seconds until a check of the connection times out."""


class BucketArtifactStore(ArtifactStore):
    """Stores artifacts in a bucket, through the client library obstore.

    The configuration of a flavor has the attributes `path`, `endpoint_url`, `connect_timeout`,
    `timeout` and `retry_timeout`.
    """

    scheme: ClassVar[str]
    """The scheme of its addresses, such as "s3"."""
    path_pattern: ClassVar[re.Pattern[str]]
    """The form of `path`; its groups are the bucket and the prefix."""
    messages: ClassVar[Messages]

    @abstractmethod
    def _client(self, limits: Limits) -> Any:
        """Create a client of obstore, with the current values of the secrets."""

    @abstractmethod
    def _endpoint(self) -> str:
        """The URL of the server."""

    def __init__(self, configuration: ports.Configuration, home: Path) -> None:
        super().__init__(configuration, home)
        found = self.path_pattern.fullmatch(self.configuration.path)
        self._bucket, self._prefix = found.groups() if found else ("", "")
        self._open_connection: Bucket | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Exclude the connection, which is created again where the store is unpickled."""
        return {**vars(self), "_open_connection": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state, without a connection."""
        vars(self).update(state, _lock=threading.Lock())

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the server."""
        host = urlsplit(self._endpoint()).hostname or ""
        return not is_loopback(host)

    @contextmanager
    def create(self) -> Iterator[ports.ArtifactWriter]:
        with SpooledBuffer(PART) as buffer:
            yield buffer
            buffer.finish()
            digest = buffer.digest
            uri = f"{self._root}{digest[:2]}/{digest[2:]}"
            key = self._key(uri)
            with self._errors():
                self._open_bucket().put(key, self._claim(key), buffer)
            buffer.stored = StoredArtifact(uri, digest, buffer.size)

    @contextmanager
    def open(self, uri: str, digest: str) -> Iterator[BinaryIO]:
        with self._downloaded(uri) as buffer:
            if buffer.digest != digest:
                own = self._is_own(uri)
                problem = "is damaged" if own else "was changed since it was registered"
                problem = f"{problem}: its sha256 is {buffer.digest} and should be {digest}"
                raise ArtifactDamaged(uri, problem, again=own)
            yield buffer.reader()

    def identify(self, uri: str) -> StoredArtifact:
        with self._downloaded(uri) as buffer:
            return StoredArtifact(uri, buffer.digest, buffer.size)

    def size(self, uri: str) -> int | None:
        key = self._readable_key(uri)
        with self._errors():
            found = self._open_bucket().metadata(key)
        return None if found is None else int(found["size"])

    def delete(self, uri: str, before: datetime | None = None) -> bool:
        key = self._key(uri)
        with self._errors():
            bucket = self._open_bucket()
            if before is not None:
                return bucket.delete_unless_renewed(key, self._claim(key), before)
            there = bucket.metadata(key) is not None
            bucket.remove(key)
            return there

    def list_artifacts(self) -> Iterator[ListedArtifact]:
        with self._errors():
            for each in self._open_bucket().objects(self._prefix.lstrip("/")):
                uri = f"{self.scheme}://{self._bucket}/{each['path']}"
                with suppress(OutsideStore):  # an object of others, under the same prefix
                    self._key(uri)
                    yield ListedArtifact(uri, each["size"], each["last_modified"])

    def sweep(self, before: datetime) -> int:
        # Incomplete uploads are not listed: a lifecycle rule of the bucket deletes those.
        with self._errors():
            bucket = self._open_bucket()
            for each in bucket.objects(f"{self._prefix}/{_CLAIMS}".lstrip("/")):
                if bucket.is_old(each, before):
                    bucket.remove(each["path"])
        return 0

    def check_connection(self) -> None:
        """List the first artifact; whether artifacts can be written is not checked."""
        given = self._limits()
        quick = given._replace(
            timeout=min(given.timeout, _CHECK_TIMEOUT),
            retry_timeout=min(given.retry_timeout, _CHECK_TIMEOUT),
        )
        with self._errors():
            next(Bucket(self._client(quick), quick).objects(self._prefix.lstrip("/")), None)

    @contextmanager
    def _downloaded(self, uri: str) -> Iterator[SpooledBuffer]:
        key = self._readable_key(uri)
        with SpooledBuffer(PART) as buffer:
            with self._errors(uri):
                self._open_bucket().download(key, buffer)
            buffer.finish()
            yield buffer

    def _key(self, uri: str) -> str:
        """The key of an artifact; raises OutsideStore if the URI is not of this store."""
        if not self._is_own(uri):
            raise OutsideStore(uri, self._root.rstrip("/"))
        return uri.removeprefix(f"{self.scheme}://{self._bucket}/")

    def _readable_key(self, uri: str) -> str:
        """The key of an artifact, or of an object of others under the prefix."""
        if not uri.startswith(self._root) or not _OTHER.fullmatch(uri.removeprefix(self._root)):
            raise OutsideStore(uri, self._root.rstrip("/"))
        return uri.removeprefix(f"{self.scheme}://{self._bucket}/")

    def _is_own(self, uri: str) -> bool:
        """Whether an address has the form of those of objects that this store wrote."""
        own = uri.startswith(self._root) and _NAME.fullmatch(uri.removeprefix(self._root))
        return bool(own)

    @property
    def _root(self) -> str:
        return f"{self.scheme}://{self._bucket}{self._prefix}/"

    def _claim(self, key: str) -> str:
        """The key of the claim that exists while the artifact at `key` is being deleted."""
        shard, rest = key.split("/")[-2:]
        return f"{self._prefix}/{_CLAIMS}/{shard}{rest}".lstrip("/")

    def _open_bucket(self) -> Bucket:
        """The bucket, with the current values of the secrets."""
        with self._lock:
            if self._open_connection is None:
                limits = self._limits()
                self._open_connection = Bucket(self._client(limits), limits)
            return self._open_connection

    def _limits(self) -> Limits:
        given = self.configuration
        return Limits(given.connect_timeout, given.timeout, given.retry_timeout)

    def _description(self) -> str:
        """The store, as errors name it."""
        given = self.configuration
        return f"{given.path} on {given.endpoint_url}" if given.endpoint_url else str(given.path)

    @contextmanager
    def _errors(self, uri: str = "") -> Iterator[None]:
        """Raise errors of obstore in one line; `uri` is that of an artifact that must exist."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            problem = BucketError.parse(error)
            if not problem.is_missing_bucket and uri:
                raise ArtifactDamaged(uri, "no longer exists") from None
        except BaseError as error:
            problem = BucketError.parse(error)
        else:
            return
        # Without the error of obstore, as its request is signed with a secret.
        raise ArtifactStoreUnavailable(
            self._description(), self.messages.message(problem)
        ) from None
