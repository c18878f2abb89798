"""Deployment reader: one method per query on deployments."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from stackfold.application.arguments import checked
from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.application.deployments.deployment_views import (
    OPEN,
    DeploymentDescription,
    DeploymentQueries,
    DeploymentView,
)
from stackfold.application.deployments.services import DeploymentServices
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.queries import History
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.queries import StackQueries
from stackfold.domain.errors import NotFound

if TYPE_CHECKING:
    from stackfold.application.deployments.deployment_health import DeploymentHealth


@checked
class DeploymentReader:
    """Queries on deployments; `Deployments` adds the commands.

    A `reference` is a name, an id or a unique prefix of either.
    """

    def __init__(
        self,
        queries: DeploymentQueries,
        artifact_queries: ArtifactQueries,
        history: History,
        stack_queries: StackQueries,
        services: DeploymentServices,
    ) -> None:
        """Create the service.

        Args:
            queries: Reads deployments.
            artifact_queries: Reads artifacts.
            history: Reads what happened to a deployment.
            stack_queries: Resolves points in the past.
            services: Creates what commands need, on first use.
        """
        self._queries = queries
        self._artifacts = artifact_queries
        self._history = history
        self._stack_queries = stack_queries
        self._services = services

    def list(
        self, listing: Listing = ALL, as_of: AsOf = None, contact: bool = True
    ) -> Sequence[DeploymentView]:
        """List deployments.

        Args:
            listing: Filters, order and page.
            as_of: A point in the past (see `application.eventsourcing.as_of`), with the status
                that the log had then; None for now.
            contact: Whether to contact the servers, all at once, for the current status.

        Raises:
            InvalidListing: Deployments have no such column.
        """
        position = self._stack_queries.position(as_of)
        views = self._queries.deployments(listing, position)
        return self._with_health(views) if contact and position is None else views

    def down(self) -> Sequence[DeploymentView]:
        """List the deployments to start after a reboot: those that are down, or not finished."""
        views = self.list()
        pending = self._queries.pending()
        return [
            each for each in views if each.status in ("down", "unfinished") or (each.id in pending)
        ]

    def find(self, reference: str) -> Reference:
        """Look up the id and name of a deployment; raises as `get`."""
        return self._queries.find_deployment(reference)

    def get(self, reference: str, as_of: AsOf = None) -> DeploymentView:
        """Return one deployment.

        Args:
            reference: The deployment.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No deployment matches.
            Ambiguous: The reference is a prefix of several.
        """
        position = self._stack_queries.position(as_of)
        view = self._queries.deployment(reference, position)
        return view if position is not None else self._with_health([view])[0]

    def describe(self, reference: str, as_of: AsOf = None) -> DeploymentDescription:
        """Return one deployment with its model and model deployer; raises as `get`."""
        position = self._stack_queries.position(as_of)
        described = self._queries.describe_deployment(reference, position)
        if position is not None or described.status not in OPEN:
            return described
        (found,) = self._health.all([(described.id, described.status)])
        problem = described.problem or found.problem
        if described.update and not self._services.claims.is_claimed(described.id):
            problem = problem or "its last update was interrupted: start it"
        return described._replace(status=found.status, problem=problem)

    def history(
        self, reference: str, limit: int | None = None, *, as_of: AsOf = None
    ) -> Sequence[HistoryEntry]:
        """Return the changes of a deployment, newest first.

        Args:
            reference: The deployment; it may have been deleted.
            limit: The most entries to return.
            as_of: Only changes up to this point in the past; None for all.

        Raises:
            NotFound: There never was such a deployment.
        """
        try:
            id = self._queries.find_deployment(reference).id
        except NotFound:
            id = self._history.find("deployment", reference).id
        return self._history.of(id, limit, self._stack_queries.position(as_of))

    # -- private

    def _with_health(self, views: Sequence[DeploymentView]) -> Sequence[DeploymentView]:
        if not any(view.status in OPEN for view in views):
            return views
        found = self._health.all([(view.id, view.status) for view in views])
        return [view._replace(status=each.status) for view, each in zip(views, found, strict=True)]

    @cached_property
    def _health(self) -> "DeploymentHealth":
        from stackfold.application.deployments.deployment_health import DeploymentHealth

        services = self._services
        return DeploymentHealth(
            services.repository, services.deployers, services.claims, services.gateways
        )
