"""Composition of what has to do with deployments; a part of the workspace."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackfold.application.artifacts.materializers import Materializers
    from stackfold.application.deployments.deployments import Deployments
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.application.stacks.validation import StackRules
    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents
    from stackfold.infrastructure.queries.artifacts import SqlArtifactQueries
    from stackfold.infrastructure.queries.deployments import SqlDeploymentQueries
    from stackfold.infrastructure.queries.stacks import SqlQueries


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
        def _event_store(self) -> EventStoreComponents: ...

        @cached_property
        def _rules(self) -> StackRules: ...

        @cached_property
        def _claims(self) -> Claims: ...

        @cached_property
        def _materializers(self) -> Materializers: ...

    @cached_property
    def deployments(self) -> "Deployments":
        """Deployments: serve a model, look how it is, predict, stop it."""
        from stackfold.application.deployments.deployers import Deployers
        from stackfold.application.deployments.deployments import Deployments
        from stackfold.application.stacks.stack_resolver import Pinning

        pinning = Pinning(self.queries, self.flavors)
        return Deployments(
            self._event_store.repository,
            self.queries,
            self.deployment_queries,
            self.artifact_queries,
            Deployers(pinning, self._rules, self._materializers),
            self._claims,
        )

    @cached_property
    def deployment_queries(self) -> "SqlDeploymentQueries":
        """What is known of deployments, by plain SQL."""
        from stackfold.infrastructure.queries.deployments import SqlDeploymentQueries

        return SqlDeploymentQueries(self._database)
