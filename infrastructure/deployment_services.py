"""The services for deployments; a part of the services of a workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.stacks import SqlQueries

if TYPE_CHECKING:
    cached_property = property

    from stackfold.application.artifacts.materializers import Materializers
    from stackfold.application.deployments.deployers import Deployers
    from stackfold.application.deployments.deployments import Deployments
    from stackfold.application.deployments.services import DeploymentServices as Needed
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.application.stacks.validation import StackRules
    from stackfold.infrastructure.gateway.gateways import ProcessGateways
    from stackfold.infrastructure.queries.artifacts import SqlArtifactQueries
    from stackfold.infrastructure.queries.deployments import SqlDeploymentQueries
    from stackfold.infrastructure.queries.history import SqlHistory
else:
    from functools import cached_property


class DeploymentServices:
    """Knows deployments, their servers and their gateways."""

    database: Database
    home: Path
    queries: SqlQueries

    if TYPE_CHECKING:

        @property
        def history(self) -> SqlHistory: ...
        @property
        def artifact_queries(self) -> SqlArtifactQueries: ...
        @property
        def resolver(self) -> StackResolver: ...
        @property
        def rules(self) -> StackRules: ...
        @property
        def materializers(self) -> Materializers: ...

    @cached_property
    def deployments(self) -> "Deployments":
        """Queries and commands on deployments."""
        from stackfold.application.deployments.deployments import Deployments

        return Deployments(
            self.deployment_queries,
            self.artifact_queries,
            self.history,
            self.queries,
            cast("Needed", self),
        )

    @cached_property
    def deployment_queries(self) -> "SqlDeploymentQueries":
        """Reads deployments."""
        from stackfold.infrastructure.queries.deployments import SqlDeploymentQueries

        return SqlDeploymentQueries(self.database)

    @cached_property
    def gateways(self) -> "ProcessGateways":
        """Starts and ends the gateways of deployments."""
        from stackfold.infrastructure.gateway.gateways import ProcessGateways

        return ProcessGateways(self.home)

    @cached_property
    def deployers(self) -> "Deployers":
        """Builds model deployers."""
        from stackfold.application.deployments.deployers import Deployers

        return Deployers(self.resolver, self.rules, self.materializers)
