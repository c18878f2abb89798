"""Queries for deployments, in plain SQL."""

from collections.abc import Sequence
from typing import Any

from stackfold.application.deployments.deployment_views import DeploymentDescription, DeploymentView
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.domain.errors import NotFound
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lookup import find, valid_at

_COLUMNS = {field: f"t.{field}" for field in (*DeploymentView._fields, "stack_id")}
_SELECT = f"SELECT {', '.join(_COLUMNS[field] for field in DeploymentView._fields)}"
_MORE = "SELECT t.stack_id, t.error, t.artifact, t.store, t.component, t.reference"


class SqlDeploymentQueries:
    """Implements `DeploymentQueries`."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
        """
        self._database = database

    def deployments(self, listing: Listing = ALL, as_of: int | None = None) -> list[DeploymentView]:
        """The existing deployments that match a listing, with their recorded status."""
        source, parameters = valid_at("deployments", as_of)
        wanted = listing_clauses(listing, _COLUMNS)
        rows = self._database.read(
            f"{_SELECT} {source}{wanted.where}{wanted.tail}", [*parameters, *wanted.parameters]
        )
        return [_view(row) for row in rows]

    @one_state
    def deployment(self, reference: str, as_of: int | None = None) -> DeploymentView:
        """The deployment with a name, id or unique prefix."""
        return _view(self._row(_SELECT, reference, as_of))

    @one_state
    def describe_deployment(
        self, reference: str, as_of: int | None = None
    ) -> DeploymentDescription:
        """The deployment with a name, id or unique prefix, with all details."""
        view = self.deployment(reference, as_of)
        stack_id, error, *parts = self._row(_MORE, view.id, as_of)
        artifact, store, component, reached_by = map(cell, parts)
        return DeploymentDescription(
            **view._asdict(),
            problem=error,
            stack_id=stack_id,
            type=artifact["type"],
            digest=artifact["digest"],
            size=artifact["size"],
            uri=artifact["uri"],
            store=store["name"],
            written_with=artifact["versions"],
            configuration=component["configuration"],
            deployer_revision=component["revision"],
            reference=reached_by,
        )

    def find_deployment(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a deployment."""
        return find(self._database, "deployments", "deployment", "", (), reference, as_of)

    def _row(self, select: str, reference: str, as_of: int | None) -> Sequence[Any]:
        source, parameters = valid_at("deployments", as_of)
        id = self.find_deployment(reference, as_of).id
        rows = self._database.read(f"{select} {source} AND t.id = ?", [*parameters, id])
        if not rows:
            raise NotFound("deployment", reference, "it was deleted concurrently")
        return rows[0]  # type: ignore[no-any-return]


def _view(row: Sequence[Any]) -> DeploymentView:
    return DeploymentView._make(row)
