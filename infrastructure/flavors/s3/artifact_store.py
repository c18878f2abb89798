"""The artifact store `s3`."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import ArtifactStore, ListedArtifact, Secret, StoredArtifact
from stackfold.domain.errors import ArtifactDamaged, ArtifactStoreUnavailable, OutsideStore
from stackfold.infrastructure.flavors.s3.bucket import PART, Bucket, Settings, endpoint_of
from stackfold.infrastructure.flavors.s3.errors import Fault
from stackfold.infrastructure.flavors.spooled_buffer import SpooledBuffer
from stackfold.infrastructure.system.loopback import is_address, is_loopback

_PATH = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[\w=+-][\w.=+-]*)*)/?", re.ASCII)
_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
_CLAIMS = ".deleting"
"""Beside the artifacts: an object for each one that is being deleted."""
_CHECK = 5.0
"""Seconds for which a request is tried that only looks whether the bucket can be used."""
_PEER = {"endpoint_url": "endpoint_url", "region_name": "region"}
"""What the peer has in `client_kwargs`, and what it is called here."""


class S3ArtifactStore(ArtifactStore):
    """Keeps artifacts in a bucket of Amazon S3, or of anything that speaks its protocol."""

    flavor = "s3"

    class Configuration(ports.Configuration):
        """Where the bucket is, and who may use it."""

        path: str = Field(description="The bucket and a prefix in it: s3://bucket/prefix.")
        key: Secret | None = Field(
            None,
            description="The access key, as a reference {{secret.key}}. Without it, AWS's own "
            "ways are tried: AWS_ACCESS_KEY_ID and so on, then the machine's role.",
        )
        secret: Secret | None = Field(
            None, description="The secret key that belongs to it, as a reference {{secret.key}}."
        )
        token: Secret | None = Field(
            None, description="The session token of temporary credentials, as a reference."
        )
        endpoint_url: str | None = Field(
            None, description="The server, if it is not Amazon's: https://host:port."
        )
        region: str = Field("us-east-1", min_length=1, description="The bucket's region.")
        addressing: Literal["auto", "path", "virtual"] = Field(
            "auto",
            description="Whether the bucket's name goes into the path or into the host's name; "
            "auto is path for an endpoint_url and for a bucket with a dot, else virtual.",
        )
        connect_timeout: float = Field(
            5, gt=0, le=300, description="Seconds to wait for a connection."
        )
        timeout: float = Field(
            60, gt=0, le=3600, description="Seconds that one request, of at most 8 MiB, may take."
        )
        retry_timeout: float = Field(
            30, ge=0, le=290, description="Seconds for which a request that failed is repeated."
        )

        @model_validator(mode="before")
        @classmethod
        def _as_the_peer_writes_it(cls, values: Any) -> Any:
            options = values.get("client_kwargs") if isinstance(values, dict) else None
            if not isinstance(options, dict) or not set(options) <= set(_PEER):
                return values
            rest = {name: value for name, value in values.items() if name != "client_kwargs"}
            return rest | {_PEER[name]: value for name, value in options.items()}

        @field_validator("path")
        @classmethod
        def _is_a_bucket(cls, path: str) -> str:
            if not _PATH.fullmatch(path):
                raise ValueError(
                    "must be s3://bucket/prefix: a bucket of 3 to 63 small letters, digits, '.' "
                    "and '-'; in the prefix letters, digits and '_.=+-', no part begins with '.'"
                )
            return path.rstrip("/")

        @field_validator("endpoint_url")
        @classmethod
        def _is_a_server(cls, url: str | None) -> str | None:
            # What is wrong with it must not be repeated: it may hold a password.
            parts = urlsplit(url or "https://host")
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("must be http://host:port or https://host:port")
            if "@" in parts.netloc:
                raise ValueError("may hold no password: give key and secret")
            if parts.query or parts.fragment or parts.path.strip("/"):
                raise ValueError("must end with the host and port")
            return url and url.rstrip("/")

        @model_validator(mode="after")
        def _are_whole_credentials(self) -> Self:
            if (self.key is None) != (self.secret is None):
                raise ValueError("key and secret belong together: give both or none")
            if self.token and not self.key:
                raise ValueError("token belongs to a key: give key and secret too")
            return self

        @model_validator(mode="after")
        def _can_be_addressed(self) -> Self:
            host = urlsplit(self.endpoint_url or "").hostname or ""
            if self.addressing == "virtual" and is_address(host):
                raise ValueError(
                    f"addressing=virtual puts the bucket's name before the host's, and {host} is "
                    "an address, not a name: give addressing=path, or a host's name"
                )
            return self

    configuration: Configuration

    def __init__(self, configuration: Configuration, home: Path) -> None:
        super().__init__(configuration, home)
        found = _PATH.fullmatch(configuration.path)
        self._bucket, self._prefix = found.groups() if found else ("", "")
        self._connected: Bucket | None = None
        self._turn = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the connections; they are made again where the store gets to."""
        return {**vars(self), "_connected": None, "_turn": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be what was pickled, without connections."""
        vars(self).update(state, _turn=threading.Lock())

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the server."""
        host = urlsplit(self._endpoint()).hostname or ""
        return not is_loopback(host)

    def environment(self) -> dict[str, str]:
        # As obstore and other clients of AWS read them.
        found = {"AWS_REGION": self.configuration.region}
        if self.configuration.endpoint_url:
            settings = self._place()
            found["AWS_ENDPOINT_URL"] = endpoint_of(settings)
            if settings.endpoint.startswith("http:"):
                found["AWS_ALLOW_HTTP"] = "true"
            if settings.virtual:
                found["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"] = "true"
        return found

    @contextmanager
    def create(self) -> Iterator[ports.ArtifactWriter]:
        with SpooledBuffer(PART) as gathered:
            yield gathered
            gathered.finish()
            digest = gathered.digest
            uri = f"s3://{self._bucket}{self._prefix}/{digest[:2]}/{digest[2:]}"
            key = self._key(uri)
            with self._in_plain_words():
                self._open_bucket().put(key, self._claim(key), gathered)
            gathered.stored = StoredArtifact(uri, digest, gathered.size)

    @contextmanager
    def open(self, uri: str, digest: str) -> Iterator[BinaryIO]:
        key = self._key(uri)
        with SpooledBuffer(PART) as gathered:
            with self._in_plain_words(uri):
                self._open_bucket().fetch(key, gathered)
            gathered.finish()
            if gathered.digest != digest:
                problem = f"is damaged: its sha256 is {gathered.digest} and should be {digest}"
                raise ArtifactDamaged(uri, problem, again=True)
            yield gathered.reader()

    def size(self, uri: str) -> int | None:
        key = self._key(uri)
        with self._in_plain_words():
            found = self._open_bucket().found(key)
        return None if found is None else int(found["size"])

    def delete(self, uri: str, before: datetime | None = None) -> bool:
        key = self._key(uri)
        with self._in_plain_words():
            bucket = self._open_bucket()
            if before is not None:
                return bucket.delete_unless_renewed(key, self._claim(key), before)
            there = bucket.found(key) is not None
            bucket.remove(key)
            return there

    def list_artifacts(self) -> Iterator[ListedArtifact]:
        with self._in_plain_words():
            for each in self._open_bucket().objects(self._prefix.lstrip("/")):
                uri = f"s3://{self._bucket}/{each['path']}"
                with suppress(OutsideStore):  # somebody else's, under the same prefix
                    self._key(uri)
                    yield ListedArtifact(uri, each["size"], each["last_modified"])

    def sweep(self, before: datetime) -> int:
        # Uploads that were cut off are not listed: a rule of the bucket removes those.
        with self._in_plain_words():
            bucket = self._open_bucket()
            for each in bucket.objects(f"{self._prefix}/{_CLAIMS}".lstrip("/")):
                if bucket.is_old(each, before):
                    bucket.remove(each["path"])
        return 0

    def check_connection(self) -> None:
        """List the artifacts, as far as the first: whether they can be written is not tried."""
        with self._in_plain_words():
            given = self._settings()
            quick = given._replace(
                timeout=min(given.timeout, _CHECK), retry_timeout=min(given.retry_timeout, _CHECK)
            )
            next(Bucket(quick).objects(self._prefix.lstrip("/")), None)

    # -- how it is done

    def _key(self, uri: str) -> str:
        """The key in the bucket, if it can be that of an artifact of this store."""
        root = f"s3://{self._bucket}{self._prefix}/"
        if not uri.startswith(root) or not _NAME.fullmatch(uri.removeprefix(root)):
            raise OutsideStore(uri, root.rstrip("/"))
        return uri.removeprefix(f"s3://{self._bucket}/")

    def _claim(self, key: str) -> str:
        """The key of the object that is there while the artifact at `key` is being deleted."""
        shard, rest = key.split("/")[-2:]
        return f"{self._prefix}/{_CLAIMS}/{shard}{rest}".lstrip("/")

    def _endpoint(self) -> str:
        given = self.configuration
        if given.endpoint_url:
            return given.endpoint_url
        domain = "amazonaws.com.cn" if given.region.startswith("cn-") else "amazonaws.com"
        return f"https://s3.{given.region}.{domain}"

    def _open_bucket(self) -> Bucket:
        """The bucket, with what the secrets are at this moment."""
        with self._turn:
            if self._connected is None:
                self._connected = Bucket(self._settings())
            return self._connected

    def _settings(self) -> Settings:
        """How to get at the bucket, with the secrets."""
        given = self.configuration
        credentials = None
        if given.key and given.secret:
            token = self.secret(given.token) if given.token else None
            credentials = (self.secret(given.key), self.secret(given.secret), token)
        return self._place()._replace(credentials=credentials)

    def _place(self) -> Settings:
        """How to get at the bucket, without the secrets."""
        given = self.configuration
        choice = given.addressing
        if choice == "auto":
            choice = "path" if given.endpoint_url or "." in self._bucket else "virtual"
        return Settings(
            bucket=self._bucket,
            endpoint=self._endpoint(),
            region=given.region,
            virtual=choice == "virtual",
            credentials=None,
            connect_timeout=given.connect_timeout,
            timeout=given.timeout,
            retry_timeout=given.retry_timeout,
        )

    @contextmanager
    def _in_plain_words(self, uri: str = "") -> Iterator[None]:
        """Say what went wrong in one line; with a uri, that of an artifact which must be there."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            fault = Fault.of(error)
            if fault.code != "NoSuchBucket" and uri:
                raise ArtifactDamaged(uri, "is gone") from None
        except BaseError as error:
            fault = Fault.of(error)
        else:
            return
        place = self.configuration.path
        if self.configuration.endpoint_url:
            place += f" on {self.configuration.endpoint_url}"
        # Nothing of the request: it is signed with a secret.
        raise ArtifactStoreUnavailable(place, fault.in_plain_words())
