"""Queries for policies, in plain SQL."""

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.policies.queries import StoredPolicy
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.lookup import valid_at

ANY_ENABLED = "EXISTS (SELECT 1 FROM policies WHERE until IS NULL)"
"""SQL for whether any policy is enabled."""

_COLUMNS = ", ".join(f"t.{field}" for field in StoredPolicy._fields)


class SqlPolicyQueries:
    """Implements `PolicyQueries`."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read model.
        """
        self._database = database

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        return position_of(self._database, as_of)

    def enabled(self, as_of: int | None = None) -> list[StoredPolicy]:
        """The enabled policies by name, now or at a position."""
        source, parameters = valid_at("policies", as_of)
        rows = self._database.read(f"SELECT {_COLUMNS} {source} ORDER BY t.name", parameters)
        return [StoredPolicy(name, cell(topics), *rest) for name, topics, *rest in rows]
