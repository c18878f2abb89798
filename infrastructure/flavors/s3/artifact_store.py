"""The artifact store `s3`."""

from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.infrastructure.flavors.buckets.artifact_store import BucketArtifactStore
from stackfold.infrastructure.flavors.buckets.bucket import Limits
from stackfold.infrastructure.flavors.buckets.configuration import (
    ConnectTimeout,
    RetryTimeout,
    Timeout,
    path_pattern,
    server_url,
)
from stackfold.infrastructure.flavors.s3.errors import MESSAGES
from stackfold.infrastructure.system.loopback import is_address

_PATH = path_pattern("s3", "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CLIENT_KWARGS = {"endpoint_url": "endpoint_url", "region_name": "region"}
"""ZenML's options in `client_kwargs` → attributes of this flavor."""


class _Server(NamedTuple):
    """Where requests are sent."""

    endpoint: str
    virtual: bool
    """Whether the host name contains the bucket's name."""


class S3ArtifactStore(BucketArtifactStore):
    """Stores artifacts in a bucket of Amazon S3, or of a compatible server."""

    flavor = "s3"
    scheme = "s3"
    path_pattern = _PATH
    messages = MESSAGES

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
        connect_timeout: ConnectTimeout = 5
        timeout: Timeout = 60
        retry_timeout: RetryTimeout = 30

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
            return server_url(url, "key and secret")

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

    def environment(self) -> dict[str, str]:
        # The variables that obstore and other clients of AWS read.
        found = {"AWS_REGION": self.configuration.region}
        if self.configuration.endpoint_url:
            server = self._server()
            found["AWS_ENDPOINT_URL"] = server.endpoint
            if server.endpoint.startswith("http:"):
                found["AWS_ALLOW_HTTP"] = "true"
            if server.virtual:
                found["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"] = "true"
        return found

    def _endpoint(self) -> str:
        given = self.configuration
        if given.endpoint_url:
            return given.endpoint_url
        domain = "amazonaws.com.cn" if given.region.startswith("cn-") else "amazonaws.com"
        return f"https://s3.{given.region}.{domain}"

    def _server(self) -> _Server:
        choice, endpoint = self.configuration.addressing, self._endpoint()
        if choice == "auto":
            with_path = self.configuration.endpoint_url or "." in self._bucket
            choice = "path" if with_path else "virtual"
        if choice == "path":
            return _Server(endpoint, virtual=False)
        return _Server(endpoint.replace("://", f"://{self._bucket}.", 1), virtual=True)

    def _client(self, limits: Limits) -> Any:
        from obstore.store import S3Store

        given, options = self.configuration, limits.options()
        if given.key and given.secret:
            provided = {
                "access_key_id": self.secret(given.key),
                "secret_access_key": self.secret(given.secret),
                "token": self.secret(given.token) if given.token else None,
                "expires_at": None,
            }
            # Unlike options, a provider is not combined with AWS_SESSION_TOKEN and the like.
            options["credential_provider"] = lambda: provided
        server = self._server()
        return S3Store(
            self._bucket,
            # Explicit options take precedence over AWS_ENDPOINT_URL and the like.
            endpoint=server.endpoint,
            region=given.region,
            virtual_hosted_style_request=server.virtual,
            skip_signature=False,
            **options,
        )
