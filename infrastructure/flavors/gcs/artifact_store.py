"""The artifact store `gcs`."""

from typing import Any

from pydantic import Field, field_validator

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
from stackfold.infrastructure.flavors.gcs.errors import MESSAGES
from stackfold.infrastructure.flavors.gcs.service_account import ServiceAccount

_PATH = path_pattern("gs", "[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


class GcsArtifactStore(BucketArtifactStore):
    """Stores artifacts in a bucket of Google Cloud Storage."""

    flavor = "gcs"
    scheme = "gs"
    path_pattern = _PATH
    messages = MESSAGES

    class Configuration(ports.Configuration):
        """The bucket and the credentials."""

        path: str = Field(description="The bucket and a prefix in it: gs://bucket/prefix.")
        service_account_key: Secret | None = Field(
            None,
            description="The JSON key of a service account, as a reference {{secret.key}}. Without "
            "it, the application default credentials are used: GOOGLE_APPLICATION_CREDENTIALS, "
            "those of gcloud, then the role of the machine.",
        )
        endpoint_url: str | None = Field(
            None, description="Another server, such as an emulator: http://host:port."
        )
        connect_timeout: ConnectTimeout = 5
        timeout: Timeout = 60
        retry_timeout: RetryTimeout = 30

        @field_validator("path")
        @classmethod
        def _is_a_bucket(cls, path: str) -> str:
            if not _PATH.fullmatch(path):
                raise ValueError(
                    "must be gs://bucket/prefix: a bucket of 3 or more small letters, digits, "
                    "'.', '_' and '-'; in the prefix letters, digits and '_.=+-', no part begins "
                    "with '.'"
                )
            return path.rstrip("/")

        @field_validator("endpoint_url")
        @classmethod
        def _is_a_server(cls, url: str | None) -> str | None:
            return server_url(url, "service_account_key")

    configuration: Configuration

    def environment(self) -> dict[str, str]:
        # The variables that obstore reads.
        endpoint = self.configuration.endpoint_url
        if not endpoint:
            return {}
        found = {"GOOGLE_BASE_URL": endpoint}
        if endpoint.startswith("http:"):
            found["GOOGLE_ALLOW_HTTP"] = "true"
        return found

    def _endpoint(self) -> str:
        return self.configuration.endpoint_url or "https://storage.googleapis.com"

    def _client(self, limits: Limits) -> Any:
        from obstore.store import GCSStore

        options = limits.options()
        if self.configuration.service_account_key:
            key = self.secret(self.configuration.service_account_key)
            account = ServiceAccount.parse(key, self._description())
            # Unlike the option `service_account_key`, a provider takes precedence over
            # GOOGLE_BEARER_TOKEN, and does not clash with GOOGLE_SERVICE_ACCOUNT.
            options["credential_provider"] = account.token
        return GCSStore(
            self._bucket,
            # Explicit options take precedence over GOOGLE_BASE_URL and the like.
            base_url=self._endpoint(),
            skip_signature=False,
            **options,
        )
