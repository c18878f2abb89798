"""The services for models; a part of the services of a workspace."""

from typing import TYPE_CHECKING, cast

from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    cached_property = property

    from stackfold.application.models.models import Models
    from stackfold.application.models.services import ModelServices as Needed
    from stackfold.infrastructure.queries.models import SqlModelQueries
else:
    from functools import cached_property


class ModelServices:
    """Knows models and their versions."""

    database: Database

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
