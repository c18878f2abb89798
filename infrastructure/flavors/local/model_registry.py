"""The model registry `local`: the log itself."""

from collections.abc import Sequence

from stackfold.application import ports
from stackfold.application.ports.model_registry import (
    ModelRegistry,
    Reference,
    RegisteredVersion,
    VersionToPublish,
)


class LocalModelRegistry(ModelRegistry):
    """The log, which has every version and alias already."""

    flavor = "local"
    is_the_log = True

    class Configuration(ports.Configuration):
        """Nothing to configure."""

    def publish(self, version: VersionToPublish) -> Reference:
        return {"version": version.number}

    def set_alias(self, reference: Reference, alias: str) -> None:
        """Do nothing: the log has it."""

    def remove_alias(self, reference: Reference, alias: str) -> None:
        """Do nothing: the log has it."""

    def withdraw(self, reference: Reference) -> None:
        """Do nothing: the log keeps it."""

    def versions(self, model: str) -> Sequence[RegisteredVersion]:
        return []
