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
        """Where the registry is, and who may use it."""

        uri: str = Field(
            min_length=1,
            description="Where images are pushed to and pulled from: registry.example.com/team.",
        )
        username: Secret | None = Field(
            None,
            description="The account to log in with, as a reference {{secret.key}}; `token` where "
            "there is only a password.",
        )
        password: Secret | None = Field(
            None, description="Its password or token, as a reference {{secret.key}}."
        )
        insecure: bool | None = Field(
            None,
            description="Whether it speaks plain HTTP; by default only one on this machine does.",
        )

        @field_validator("uri")
        @classmethod
        def _is_an_address(cls, uri: str) -> str:
            # What is wrong with it must not be repeated: it may hold a password.
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
        """Where images are pushed to and pulled from."""
        return self.configuration.uri

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach it."""
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
        # Registries that give out tokens ask for some name, but not for which.
        username = self.secret(chosen.username) if chosen.username is not None else "token"
        return Credentials(username, self.secret(chosen.password))

    def check_connection(self) -> None:
        """Log in, if there is a password; which images may be pushed is not tried."""
        from stackfold.infrastructure.flavors.containers.registry_api import RegistryApi

        RegistryApi(self.uri, self.is_plain, self.credentials).check()

    def digest(self, image: str) -> str | None:
        from stackfold.infrastructure.flavors.containers.registry_api import RegistryApi

        return RegistryApi(self.uri, self.is_plain, self.credentials).digest(image)
