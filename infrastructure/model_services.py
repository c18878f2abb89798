"""The services for models; a part of the services of a workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    cached_property = property

    from stackfold.application.models.model_registries import ModelRegistries
    from stackfold.application.models.models import Models
    from stackfold.application.models.services import ModelServices as Needed
    from stackfold.application.models.services import RegistryServices
    from stackfold.infrastructure.queries.models import SqlModelQueries
    from stackfold.infrastructure.queries.stacks import SqlQueries
    from stackfold.infrastructure.system.gate_functions import HomeGateFunctions
else:
    from functools import cached_property


class ModelServices:
    """Knows models and their versions."""

    database: Database
    home: Path
    queries: "SqlQueries"

    @cached_property
    def models(self) -> "Models":
        """Queries and commands on models."""
        from stackfold.application.models.models import Models

        return Models(self.model_queries, cast("Needed", self))

    @cached_property
    def model_queries(self) -> "SqlModelQueries":
        """Reads models."""
        from stackfold.infrastructure.queries.models import SqlModelQueries

        return SqlModelQueries(self.database)

    @cached_property
    def gate_functions(self) -> "HomeGateFunctions":
        """Finds functions that gates name."""
        from stackfold.infrastructure.system.gate_functions import HomeGateFunctions

        return HomeGateFunctions(self.home)

    @cached_property
    def model_registries(self) -> "ModelRegistries":
        """Publishes versions, and compares registries with the log."""
        from stackfold.application.models.model_registries import ModelRegistries

        services = cast("RegistryServices", self)
        return ModelRegistries(self.models, self.model_queries, self.queries, services)
