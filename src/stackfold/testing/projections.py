"""Projections on given events, in memory, so that they are tested without a log."""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any

from stackfold.application.eventsourcing.custom_projection import Projection, ProjectionChange
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.testing.given_when_then import stamped


class Projected:
    """The tables of a projection after some events, in a SQLite database in memory."""

    def __init__(self, projection: Projection) -> None:
        """Create the tables.

        Args:
            projection: Changes its tables.
        """
        self._projection = projection
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._change = ProjectionChange(self.rows)
        projection.create(self._change)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Execute a statement on the tables.

        Args:
            statement: SQL, usually a SELECT, with `?` for each parameter.
            parameters: The values of the parameters.

        Returns:
            The rows as tuples.

        Raises:
            sqlite3.Error: SQLite rejects the statement.
        """
        return self._connection.execute(statement, tuple(parameters)).fetchall()

    def apply(self, events: Sequence[Any]) -> None:
        """Apply complete events, in this order; those of other topics are passed over.

        Args:
            events: The events; their positions go on from the last one.
        """
        topics = {getattr(each, "TOPIC", each) for each in self._projection.topics}
        for each in events:
            self._change.position += 1
            self._change.recorded_at = to_rfc3339(each.timestamp)
            if not topics or each.TOPIC in topics:
                self._projection.apply(each, self._change)


def project(projection: Projection, *events: partial[Any]) -> Projected:
    """Create the tables of a projection in memory, and apply events to them.

    The tables are in SQLite. What an error in `apply` raises is raised as it is.

    Args:
        projection: Changes its tables.
        *events: As `event(Class, field=value, ...)`, oldest first. Give those of different
            aggregates an `originator_id`.

    Returns:
        The tables, to be read with `rows("SELECT ...")`.
    """
    projected = Projected(projection)
    projected.apply(stamped(*events))
    return projected
