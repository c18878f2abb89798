"""What the commands on models need beyond queries."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_views import ArtifactQueries
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.history.queries import History
    from stackfold.application.models.gate_functions import GateFunctions
    from stackfold.application.models.model_registries import ModelRegistries
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.application.stacks.validation import StackRules


class ModelServices(Protocol):
    """Services that are created on first use: importing them takes longer than a query."""

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def history(self) -> "History":
        """Reads what happened to models."""
        ...

    @property
    def gate_functions(self) -> "GateFunctions":
        """Finds functions that gates name."""
        ...

    @property
    def model_registries(self) -> "ModelRegistries":
        """Synchronizes the model registry of the active stack after a change."""
        ...


class RegistryServices(Protocol):
    """Services to publish versions with, which are created on first use."""

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def history(self) -> "History":
        """Reads what happened to models."""
        ...

    @property
    def artifact_queries(self) -> "ArtifactQueries":
        """Reads the outputs of runs."""
        ...

    @property
    def resolver(self) -> "StackResolver":
        """Builds artifact stores."""
        ...

    @property
    def rules(self) -> "StackRules":
        """Suggests how to add a registry to a stack."""
        ...

    @property
    def flavors(self) -> "Flavors":
        """Builds registries."""
        ...
