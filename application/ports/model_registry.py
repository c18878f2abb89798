"""The port of model registries, in which other tools find the versions of models.

The log comes first: a version is published, and an alias moved, after the log has recorded it. So
every method may be called again with what it was called with before.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.domain.stacks.component_type import ComponentType

Reference = Mapping[str, Any]
"""Identifies a version in the registry; JSON values, recorded, so they must contain no secret."""


class VersionToPublish(NamedTuple):
    """A version of a model that a registry should have."""

    id: str
    """The id of the version: the registry stores it with the version, to find it again."""
    model: str
    """The name of the model."""
    number: int
    """The number of the version in the log; a registry may have numbers of its own."""
    description: str
    tags: Sequence[str]
    metrics: Mapping[str, float]
    pipeline: str
    run: str
    """The name of the run that made it."""
    stack: str
    stack_revision: int
    artifact: str
    """The main output of its run, as "pipeline/step/output@version"."""
    type: str
    """The Python type of that output, as "module.Class"."""
    uri: str
    """The address of that output in the artifact store."""
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    tracked: Mapping[str, Any]
    """Name of an experiment tracker of the run → what identifies the run there."""
    copy: Callable[[Path], None]
    """Copies the stored bytes to a new file, or a stored folder to a new one; verifies digests."""

    @property
    def facts(self) -> dict[str, str]:
        """Tags for the registry to show: name → text."""
        return {
            "stackfold.version": str(self.number),
            "stackfold.version_id": self.id,
            "stackfold.run": self.run,
            "stackfold.pipeline": self.pipeline,
            "stackfold.stack": self.stack,
            "stackfold.stack_revision": str(self.stack_revision),
            "stackfold.artifact": self.artifact,
            "stackfold.digest": self.digest,
        }


class RegisteredVersion(NamedTuple):
    """A version of a model, as a registry has it."""

    reference: Reference
    id: str
    """The id of the version in the log; empty if others registered it."""
    aliases: Sequence[str]
    """The aliases that stand for it there."""


class ModelRegistry(StackComponent[ConfigurationT]):
    """Shows the versions of models and their aliases to other tools."""

    component_type = ComponentType.MODEL_REGISTRY

    is_the_log: bool = False
    """Whether it is the log itself, so that no other method is called."""
    strict: bool = False
    """Whether a promotion raises if the registry is unavailable; it is recorded nevertheless. May
    be a property that reads the configuration."""

    @abstractmethod
    def publish(self, version: VersionToPublish) -> Reference:
        """Register a version, or find the one that was registered with its id.

        Args:
            version: The version.

        Raises:
            ModelRegistryRejected: The registry does not take it.
            ModelRegistryUnavailable: The registry cannot be reached, after a bounded wait.
        """

    @abstractmethod
    def set_alias(self, reference: Reference, alias: str) -> None:
        """Let an alias stand for a version, and for no other one of its model.

        Args:
            reference: What `publish` returned.
            alias: The alias.

        Raises:
            ModelRegistryRejected: It has no such version, or the alias is not valid there.
            ModelRegistryUnavailable: As for `publish`.
        """

    @abstractmethod
    def remove_alias(self, reference: Reference, alias: str) -> None:
        """Let an alias stand for no version; does nothing if it stands for none.

        Args:
            reference: The version that it stands for.
            alias: The alias.

        Raises:
            ModelRegistryUnavailable: As for `publish`.
        """

    @abstractmethod
    def withdraw(self, reference: Reference) -> None:
        """Remove a version; does nothing if there is none.

        Args:
            reference: What `publish` returned.

        Raises:
            ModelRegistryUnavailable: As for `publish`.
        """

    @abstractmethod
    def versions(self, model: str) -> Sequence[RegisteredVersion]:
        """Return the versions that it has of a model, those that others registered included.

        Args:
            model: The name of the model.

        Raises:
            ModelRegistryUnavailable: As for `publish`.
        """
