"""The artifact store `azure`."""

import re
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.domain.errors import ArtifactStoreUnavailable
from stackfold.infrastructure.flavors.azure.connection_string import ConnectionString
from stackfold.infrastructure.flavors.azure.errors import MESSAGES
from stackfold.infrastructure.flavors.buckets.artifact_store import BucketArtifactStore
from stackfold.infrastructure.flavors.buckets.bucket import Limits
from stackfold.infrastructure.flavors.buckets.configuration import (
    ConnectTimeout,
    RetryTimeout,
    Timeout,
    path_pattern,
    server_url,
)

_PATH = path_pattern("az", "(?=[a-z0-9-]{3,63}(?:/|$))[a-z0-9](?:-?[a-z0-9])*")
_ABFS = re.compile(r"abfss?://(?P<container>[^/@]+)(?:@(?P<account>[^./@]+)[^/@]*)?(?P<rest>/.*)?")
_ACCOUNT = re.compile("[a-z0-9]{3,24}")
_GUID_OR_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


class AzureArtifactStore(BucketArtifactStore):
    """Stores artifacts in a container of Azure Blob Storage."""

    flavor = "azure"
    scheme = "az"
    path_pattern = _PATH
    messages = MESSAGES

    class Configuration(ports.Configuration):
        """The account, the container and the credentials."""

        path: str = Field(description="The container and a prefix in it: az://container/prefix.")
        account_name: str = Field(description="The storage account.")
        account_key: Secret | None = Field(
            None,
            description="A key of the account, as a reference {{secret.key}}. Without any "
            "credentials, the variables AZURE_STORAGE_ACCOUNT_KEY, AZURE_CLIENT_ID and so on are "
            "used, a workload identity, then the managed identity of the machine.",
        )
        sas_token: Secret | None = Field(
            None, description="A shared access signature, as a reference {{secret.key}}."
        )
        connection_string: Secret | None = Field(
            None,
            description="A connection string of the account, as a reference {{secret.key}}; its "
            "key or signature is used.",
        )
        tenant_id: str | None = Field(
            None, description="The directory of a service principal: an id or a domain."
        )
        client_id: str | None = Field(
            None,
            description="The id of a service principal, or of a managed identity of the machine "
            "if it has several.",
        )
        client_secret: Secret | None = Field(
            None,
            description="The secret of a service principal, as a reference {{secret.key}}.",
        )
        managed_identity: bool = Field(
            False,
            description="Whether the managed identity of the machine is used, whatever the "
            "environment contains.",
        )
        authority_url: str = Field(
            "https://login.microsoftonline.com",
            description="The server at which a service principal signs in.",
        )
        endpoint_url: str | None = Field(
            None,
            description="The server of another cloud, or an emulator: https://host:port, or with "
            "the account http://host:port/account; by default account.blob.core.windows.net.",
        )
        connect_timeout: ConnectTimeout = 5
        timeout: Timeout = 60
        retry_timeout: RetryTimeout = 30

        @model_validator(mode="before")
        @classmethod
        def _accept_abfs(cls, values: Any) -> Any:
            path = values.get("path") if isinstance(values, dict) else None
            found = _ABFS.fullmatch(path) if isinstance(path, str) else None
            if not found or found["account"] not in {None, values.get("account_name")}:
                return values
            return {**values, "path": f"az://{found['container']}{found['rest'] or ''}"}

        @field_validator("path")
        @classmethod
        def _is_a_container(cls, path: str) -> str:
            if not _PATH.fullmatch(path):
                raise ValueError(
                    "must be az://container/prefix: a container of 3 to 63 small letters, digits "
                    "and single '-'; in the prefix letters, digits and '_.=+-', no part begins "
                    "with '.'"
                )
            return path.rstrip("/")

        @field_validator("account_name")
        @classmethod
        def _is_an_account(cls, name: str) -> str:
            if not _ACCOUNT.fullmatch(name):
                raise ValueError("must be 3 to 24 small letters and digits")
            return name

        @field_validator("tenant_id", "client_id")
        @classmethod
        def _is_an_id(cls, text: str | None) -> str | None:
            if text is not None and not _GUID_OR_DOMAIN.fullmatch(text):
                raise ValueError("must be an id, or a domain")
            return text

        @field_validator("authority_url")
        @classmethod
        def _is_an_authority(cls, url: str) -> str:
            found = server_url(url, "client_secret")
            if not found:
                raise ValueError("must be https://host")
            return found

        @field_validator("endpoint_url")
        @classmethod
        def _is_a_server(cls, url: str | None, info: ValidationInfo) -> str | None:
            account = str(info.data.get("account_name", ""))
            return server_url(url, "account_key or sas_token", account)

        @model_validator(mode="after")
        def _has_one_kind_of_credentials(self) -> Self:
            kinds = {
                "account_key": self.account_key,
                "sas_token": self.sas_token,
                "connection_string": self.connection_string,
                "client_secret": self.client_secret,
                "managed_identity": self.managed_identity,
            }
            given = [name for name, value in kinds.items() if value]
            if len(given) > 1:
                raise ValueError(f"{' and '.join(given)} exclude each other: give one of them")
            if self.client_secret and not (self.tenant_id and self.client_id):
                raise ValueError("client_secret belongs to tenant_id and client_id: give them too")
            if self.tenant_id and not self.client_secret:
                raise ValueError("tenant_id belongs to a client_secret: give it too")
            if self.client_id and not (self.client_secret or self.managed_identity):
                raise ValueError("client_id belongs to client_secret or managed_identity: give one")
            return self

    configuration: Configuration

    def environment(self) -> dict[str, str]:
        # The variables that obstore reads.
        found = {"AZURE_STORAGE_ACCOUNT_NAME": self.configuration.account_name}
        if self.configuration.endpoint_url:
            found["AZURE_STORAGE_ENDPOINT"] = self.configuration.endpoint_url
            if self.configuration.endpoint_url.startswith("http:"):
                found["AZURE_ALLOW_HTTP"] = "true"
        return found

    def _endpoint(self) -> str:
        given = self.configuration
        return given.endpoint_url or f"https://{given.account_name}.blob.core.windows.net"

    def _description(self) -> str:
        return f"{self.configuration.path} on {self._endpoint()}"

    def _client(self, limits: Limits) -> Any:
        from obstore.store import AzureStore

        return AzureStore(
            self._bucket,
            # Explicit options take precedence over AZURE_STORAGE_ENDPOINT and the like.
            account_name=self.configuration.account_name,
            endpoint=self._endpoint(),
            authority_host=self.configuration.authority_url,
            use_emulator=False,
            use_fabric_endpoint=False,
            skip_signature=False,
            **limits.options(),
            **self._credentials(),
        )

    def _credentials(self) -> dict[str, Any]:
        """The arguments of the client; none for the credentials of the environment."""
        given = self.configuration
        if given.client_secret:
            return {
                "credential_type": "client_secret",
                "tenant_id": given.tenant_id,
                "client_id": given.client_id,
                "client_secret": self.secret(given.client_secret),
            }
        if given.managed_identity:
            selected = {"client_id": given.client_id} if given.client_id else {}
            return {"credential_type": "managed_identity", **selected}
        if given.account_key:
            provided = {"access_key": self.secret(given.account_key)}
        elif given.sas_token:
            provided = {"sas_token": self.secret(given.sas_token)}
        elif given.connection_string:
            provided = self._of_connection_string(self.secret(given.connection_string))
        else:
            return {}
        # Unlike options, a provider takes precedence over AZURE_STORAGE_TOKEN and the like.
        return {"credential_provider": lambda: {**provided, "expires_at": None}}

    def _of_connection_string(self, text: str) -> dict[str, str]:
        """The key or signature; the server comes from the configuration, as a run's pin does."""
        found = ConnectionString.parse(text)
        problem = found.problem(self.configuration.account_name, self._endpoint())
        if problem:
            raise ArtifactStoreUnavailable(self._description(), problem)
        if found.account_key:
            return {"access_key": found.account_key}
        return {"sas_token": found.sas_token}
