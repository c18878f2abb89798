"""Composition of what has to do with deployments; a part of the workspace."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackfold.application.deployments import Deployments
    from stackfold.application.flavors import Flavors
    from stackfold.application.materializers import Materializers
    from stackfold.application.running.claims import Claims
    from stackfold.application.validation import StackRules
    from stackfold.infrastructure.artifact_queries import SqlArtifactQueries
    from stackfold.infrastructure.database import Database
    from stackfold.infrastructure.deployment_queries import SqlDeploymentQueries
    from stackfold.infrastructure.queries import SqlQueries
    from stackfold.infrastructure.wiring import Parts


class DeploymentServices:
    """What a workspace offers for deployments."""

    if TYPE_CHECKING:  # what the workspace has
        queries: SqlQueries
        _database: Database

        @cached_property
        def flavors(self) -> Flavors: ...

        @cached_property
        def artifact_queries(self) -> SqlArtifactQueries: ...

        @cached_property
        def _parts(self) -> Parts: ...

        @cached_property
        def _rules(self) -> StackRules: ...

        @cached_property
        def _claims(self) -> Claims: ...

        @cached_property
        def _materializers(self) -> Materializers: ...

    @cached_property
    def deployments(self) -> "Deployments":
        """Deployments: serve a model, look how it is, predict, stop it."""
        from stackfold.application.deployers import Deployers
        from stackfold.application.deployments import Deployments
        from stackfold.application.running.pinning import Pinning

        pinning = Pinning(self.queries, self.flavors)
        return Deployments(
            self._parts.ledger,
            self.queries,
            self.deployment_queries,
            self.artifact_queries,
            Deployers(pinning, self._rules, self._materializers),
            self._claims,
        )

    @cached_property
    def deployment_queries(self) -> "SqlDeploymentQueries":
        """What is known of deployments, by plain SQL."""
        from stackfold.infrastructure.deployment_queries import SqlDeploymentQueries

        return SqlDeploymentQueries(self._database)
