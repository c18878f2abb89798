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
from stackfold.infrastructure.flavors.s3.errors import S3Error
from stackfold.infrastructure.flavors.spooled_buffer import SpooledBuffer
from stackfold.infrastructure.system.loopback import is_address, is_loopback

_PATH = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[\w=+-][\w.=+-]*)*)/?", re.ASCII)
_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
_OTHER = re.compile(r"[\w=+-][\w.=+-]*(?:/[\w=+-][\w.=+-]*)*", re.ASCII)
"""Keys, below the prefix, of objects of others that can be registered."""
_CLAIMS = ".deleting"
"""The folder of claims: an object for each artifact that is being deleted."""
_CHECK_TIMEOUT = 5.0
"""Seconds until a check of the connection times out."""
_CLIENT_KWARGS = {"endpoint_url": "endpoint_url", "region_name": "region"}
"""ZenML's options in `client_kwargs` → attributes of this flavor."""


class S3ArtifactStore(ArtifactStore):
    """Stores artifacts in a bucket of Amazon S3, or of a compatible server."""

    flavor = "s3"

    class Configuration(ports.Configuration):
        """The bucket and the credentials."""

        path: str = Field(description="The bucket and a prefix in it: s3://bucket/prefix.")
        key: Secret | None = Field(
            None,
            description="The access key, as a reference {{secret.key}}. Without it, the variables "
            "AWS_ACCESS_KEY_ID and so on are used, then the role of the machine.",
        )
        secret: Secret | None = Field(
            None, description="The secret key of the access key, as a reference {{secret.key}}."
        )
        token: Secret | None = Field(
            None, description="The session token of temporary credentials, as a reference."
        )
        endpoint_url: str | None = Field(
            None, description="The server: https://host:port; by default Amazon's."
        )
        region: str = Field("us-east-1", min_length=1, description="The bucket's region.")
        addressing: Literal["auto", "path", "virtual"] = Field(
            "auto",
            description="Whether URLs contain the bucket's name in the path or in the host name; "
            "auto is path for an endpoint_url and for a bucket with a dot, else virtual.",
        )
        connect_timeout: float = Field(
            5, gt=0, le=300, description="Seconds to wait for a connection."
        )
        timeout: float = Field(
            60, gt=0, le=3600, description="Seconds until one request, of at most 8 MiB, times out."
        )
        retry_timeout: float = Field(
            30, ge=0, le=290, description="Seconds for which a failed request is repeated."
        )

        @model_validator(mode="before")
        @classmethod
        def _accept_client_kwargs(cls, values: Any) -> Any:
            options = values.get("client_kwargs") if isinstance(values, dict) else None
            if not isinstance(options, dict) or not set(options) <= set(_CLIENT_KWARGS):
                return values
            rest = {name: value for name, value in values.items() if name != "client_kwargs"}
            return rest | {_CLIENT_KWARGS[name]: value for name, value in options.items()}

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
            # The message must not repeat the URL, which may contain a password.
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

    def environment(self) -> dict[str, str]:
        # The variables that obstore and other clients of AWS read.
        found = {"AWS_REGION": self.configuration.region}
        if self.configuration.endpoint_url:
            settings = self._public_settings()
            found["AWS_ENDPOINT_URL"] = endpoint_of(settings)
            if settings.endpoint.startswith("http:"):
                found["AWS_ALLOW_HTTP"] = "true"
            if settings.virtual:
                found["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"] = "true"
        return found

    @contextmanager
    def create(self) -> Iterator[ports.ArtifactWriter]:
        with SpooledBuffer(PART) as buffer:
            yield buffer
            buffer.finish()
            digest = buffer.digest
            uri = f"s3://{self._bucket}{self._prefix}/{digest[:2]}/{digest[2:]}"
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
                uri = f"s3://{self._bucket}/{each['path']}"
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
        with self._errors():
            given = self._settings()
            quick = given._replace(
                timeout=min(given.timeout, _CHECK_TIMEOUT),
                retry_timeout=min(given.retry_timeout, _CHECK_TIMEOUT),
            )
            next(Bucket(quick).objects(self._prefix.lstrip("/")), None)

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
        return uri.removeprefix(f"s3://{self._bucket}/")

    def _readable_key(self, uri: str) -> str:
        """The key of an artifact, or of an object of others under the prefix."""
        if not uri.startswith(self._root) or not _OTHER.fullmatch(uri.removeprefix(self._root)):
            raise OutsideStore(uri, self._root.rstrip("/"))
        return uri.removeprefix(f"s3://{self._bucket}/")

    def _is_own(self, uri: str) -> bool:
        """Whether an address has the form of those of objects that this store wrote."""
        own = uri.startswith(self._root) and _NAME.fullmatch(uri.removeprefix(self._root))
        return bool(own)

    @property
    def _root(self) -> str:
        return f"s3://{self._bucket}{self._prefix}/"

    def _claim(self, key: str) -> str:
        """The key of the claim that exists while the artifact at `key` is being deleted."""
        shard, rest = key.split("/")[-2:]
        return f"{self._prefix}/{_CLAIMS}/{shard}{rest}".lstrip("/")

    def _endpoint(self) -> str:
        given = self.configuration
        if given.endpoint_url:
            return given.endpoint_url
        domain = "amazonaws.com.cn" if given.region.startswith("cn-") else "amazonaws.com"
        return f"https://s3.{given.region}.{domain}"

    def _open_bucket(self) -> Bucket:
        """The bucket, with the current values of the secrets."""
        with self._lock:
            if self._open_connection is None:
                self._open_connection = Bucket(self._settings())
            return self._open_connection

    def _settings(self) -> Settings:
        """The settings of the bucket, with the secrets."""
        given = self.configuration
        credentials = None
        if given.key and given.secret:
            token = self.secret(given.token) if given.token else None
            credentials = (self.secret(given.key), self.secret(given.secret), token)
        return self._public_settings()._replace(credentials=credentials)

    def _public_settings(self) -> Settings:
        """The settings of the bucket, without the secrets."""
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
    def _errors(self, uri: str = "") -> Iterator[None]:
        """Raise errors of obstore in one line; `uri` is that of an artifact that must exist."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            s3_error = S3Error.parse(error)
            if s3_error.code != "NoSuchBucket" and uri:
                raise ArtifactDamaged(uri, "no longer exists") from None
        except BaseError as error:
            s3_error = S3Error.parse(error)
        else:
            return
        path = self.configuration.path
        if self.configuration.endpoint_url:
            path += f" on {self.configuration.endpoint_url}"
        # Without the request, which is signed with a secret.
        raise ArtifactStoreUnavailable(path, s3_error.message())
