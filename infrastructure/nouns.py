"""The part of a workspace that has a service per noun of the command line."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from stackfold.application.artifacts.artifacts import Artifacts
    from stackfold.application.deployments.deployments import Deployments
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.models.model_registries import ModelRegistries
    from stackfold.application.models.models import Models
    from stackfold.application.own_aggregates.collection import AggregateCollection
    from stackfold.application.pipelines.images import Images
    from stackfold.application.policies.policies import Policies
    from stackfold.application.runs.runs import Runs
    from stackfold.application.schedules.schedules import Schedules
    from stackfold.application.secrets.secrets import Secrets
    from stackfold.application.stacks.components import Components
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.application.stacks.stacks import Stacks
    from stackfold.domain.eventsourcing.aggregate import Aggregate
    from stackfold.domain.stacks.component_type import TypeOrName
    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.eventstore.log import Log
    from stackfold.infrastructure.pipelines import Pipelines
    from stackfold.infrastructure.services import Services
    from stackfold.infrastructure.system.integrations import Integrations


A = TypeVar("A", bound="Aggregate")


class Nouns:
    """A service per noun, each created on first use."""

    home: "Path"
    """The folder that relative paths of components refer to."""
    _database: "Database"
    _services: "Services"

    @cached_property
    def stacks(self) -> "Stacks":
        """Stacks: register, list, change, activate, compare, revert."""
        from stackfold.application.stacks.stacks import Stacks

        return Stacks(self._services.queries, self._services)

    @cached_property
    def components(self) -> "Components":
        """Components of every type: register, list, change, revert."""
        from stackfold.application.stacks.components import Components

        return Components(self._services.queries, self._services)

    def component(
        self, type: "TypeOrName", name: str | None = None, *, stack: str | None = None
    ) -> Any:
        """Return a component of a stack, ready for use; as `component` of a step's context.

        Args:
            type: The component type, such as "alerter".
            name: The component's name; None for the default one.
            stack: The stack, by name, id or unique prefix; None for the active one.

        Raises:
            NotFound: The stack does not exist.
            NoComponent: The stack has none of that type or name.
            NotInstalled: A package that it needs is missing.
            InvalidConfiguration: It no longer fits its flavor.
        """
        from stackfold.application.runs.step_components import StepComponents
        from stackfold.infrastructure.system.parcel import Parcel

        resolver = self._services.resolver
        return StepComponents(resolver.pin(stack), resolver.built, Parcel).get(type, name)

    @property
    def flavors(self) -> "Flavors":
        """Flavors: list, describe, register custom ones."""
        return self._services.flavors

    @property
    def pipelines(self) -> "Pipelines":
        """Pipelines of files and modules: load them, their parameters and configurations."""
        return self._services.pipelines

    @property
    def runs(self) -> "Runs":
        """Runs: start, resume, list, describe, load outputs."""
        return self._services.runs

    @property
    def schedules(self) -> "Schedules":
        """Schedules: create, change, pause, and run them."""
        return self._services.schedules

    @property
    def artifacts(self) -> "Artifacts":
        """Artifacts: list, load, trace, prune."""
        return self._services.artifacts

    @property
    def models(self) -> "Models":
        """Models: their versions, stages and aliases, promote, roll back."""
        return self._services.models

    @property
    def model_registries(self) -> "ModelRegistries":
        """Model registries: publish versions of models, and compare with the log."""
        return self._services.model_registries

    @property
    def deployments(self) -> "Deployments":
        """Deployments: serve a model, predict, check, stop."""
        return self._services.deployments

    @property
    def images(self) -> "Images":
        """Images: build what the orchestrator of a stack starts."""
        return self._services.images

    @cached_property
    def secrets(self) -> "Secrets":
        """Secrets: create, list, change; the log never contains them."""
        from stackfold.application.secrets.secrets import Secrets
        from stackfold.infrastructure.secrets import preferred

        return Secrets(self._services.stored_secrets, self._services.queries, preferred())

    @cached_property
    def policies(self) -> "Policies":
        """Policies: enable, disable, list; an enabled one can reject changes."""
        return self._services.policies.policies()

    @cached_property
    def integrations(self) -> "Integrations":
        """Integrations: the packages that flavors require."""
        from stackfold.infrastructure.system.integrations import Integrations

        return Integrations(self._services.catalogue.packages)

    @cached_property
    def log(self) -> "Log":
        """The log: read, follow, verify, rebuild, copy."""
        from stackfold.infrastructure.eventstore.log import Log

        return Log(self._database, self.home)

    def aggregates(self, kind: "type[A]") -> "AggregateCollection[A]":
        """The aggregates of a class of your own: list, change, compare, revert, by name.

        Args:
            kind: The class, whose `AggregateType` was given to `open`, or is declared by an
                installed package.

        Raises:
            InvalidAggregate: The class is not declared, or has no read model.
        """
        from stackfold.infrastructure.aggregate_collections import collection

        return collection(self._services, kind)

    @property
    def repository(self) -> "Repository":
        """The repository: loads, saves and changes aggregates, also those of your own."""
        return self._services.repository
