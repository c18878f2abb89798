"""The container registry `default`."""

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import ContainerRegistry, Credentials, Secret
from stackfold.infrastructure.flavors.containers.image_names import host_of, without_port
from stackfold.infrastructure.system.loopback import is_loopback

_ADDRESS = re.compile(
    r"(\[[0-9a-f:]+\]|[a-zA-Z0-9][a-zA-Z0-9.-]*)(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)


class DefaultContainerRegistry(ContainerRegistry):
    """Any container registry, by its address."""

    flavor = "default"

    class Configuration(ports.Configuration):
        """The registry and the credentials."""

        uri: str = Field(
            min_length=1,
            description="The address of the registry: registry.example.com/team.",
        )
        username: Secret | None = Field(
            None,
            description="The user name, as a reference {{secret.key}}; `token` if there is only a "
            "password.",
        )
        password: Secret | None = Field(
            None, description="The password or token, as a reference {{secret.key}}."
        )
        insecure: bool | None = Field(
            None,
            description="Whether to use plain HTTP; the default is to do so on this machine only.",
        )

        @field_validator("uri")
        @classmethod
        def _is_an_address(cls, uri: str) -> str:
            # The message must not repeat the address, which may contain a password.
            if "://" in uri:
                raise ValueError("is written without http:// or https://: registry.example.com")
            if "@" in uri:
                raise ValueError("may hold no password: give username and password")
            if not _ADDRESS.fullmatch(uri.rstrip("/")):
                raise ValueError("must be HOST, HOST:PORT or HOST/PATH, the path in small letters")
            return uri.rstrip("/")

        @model_validator(mode="after")
        def _fit_together(self) -> Self:
            if self.username is not None and self.password is None:
                raise ValueError("username is of no use without password")
            return self

    configuration: Configuration

    @property
    def uri(self) -> str:
        """The address of the registry."""
        return self.configuration.uri

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the registry."""
        return not is_loopback(without_port(host_of(self.uri)))

    @property
    def is_plain(self) -> bool:
        if self.configuration.insecure is None:
            return not self.is_remote
        return self.configuration.insecure

    def credentials(self) -> Credentials | None:
        chosen = self.configuration
        if chosen.password is None:
            return None
        # Registries with tokens require a user name, but ignore it.
        username = self.secret(chosen.username) if chosen.username is not None else "token"
        return Credentials(username, self.secret(chosen.password))

    def check_connection(self) -> None:
        """Log in, if there is a password; the permission to push is not checked."""
        from stackfold.infrastructure.flavors.containers.registry_api import RegistryApi

        RegistryApi(self.uri, self.is_plain, self.credentials).check()

    def digest(self, image: str) -> str | None:
        from stackfold.infrastructure.flavors.containers.registry_api import RegistryApi

        return RegistryApi(self.uri, self.is_plain, self.credentials).digest(image)
