"""The container registry `default`."""

from pydantic import Field

from stackfold.application import ports
from stackfold.application.ports import ContainerRegistry, Secret


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
            None, description="The account to log in with, as a reference {{secret.key}}."
        )
        password: Secret | None = Field(
            None, description="Its password or token, as a reference {{secret.key}}."
        )

    configuration: Configuration

    @property
    def uri(self) -> str:
        """Where images are pushed to and pulled from."""
        return self.configuration.uri
