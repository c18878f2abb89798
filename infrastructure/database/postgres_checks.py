"""The part of a log in PostgreSQL that finds and repairs faults of the database."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.infrastructure.database.postgres_schema import LogSchema
from stackfold.infrastructure.database.protocol import Cursor, Fault, R

if TYPE_CHECKING:
    from stackfold.infrastructure.database.read_model_tables import ReadModelTables


class PostgresChecks:
    """Finds and repairs faults; see `Database`."""

    aggregates: Aggregates
    _schema: LogSchema

    def _tables(self) -> "ReadModelTables":
        from stackfold.infrastructure.database.read_model_tables import ReadModelTables

        return ReadModelTables(self.aggregates)

    def by_table(self, cursor: Cursor) -> str:
        """Disable the use of indexes until the transaction ends."""
        from stackfold.infrastructure.database import postgres_integrity

        cursor.execute(postgres_integrity.BY_TABLE)
        return ""

    def lying_index(self) -> Fault | None:
        """The first index that differs from its table; None if none does.

        Raises:
            LogUnavailable: The table itself cannot be read.
        """
        from stackfold.infrastructure.database import postgres_integrity

        return self.consistently(
            lambda: postgres_integrity.lying_index(self._cursor(), self._tables(), self._schema)
        )

    def damage(self) -> Fault | None:
        """The first fault that amcheck finds; None without amcheck or the rights to use it."""
        from stackfold.infrastructure.database import postgres_integrity

        return postgres_integrity.damage(self._read, self._schema)

    def missing(self) -> Fault | None:
        """The first index or trigger that is missing or differs from its definition."""
        from stackfold.infrastructure.database import postgres_integrity

        return self.consistently(
            lambda: postgres_integrity.missing(self._cursor(), self._tables(), self._schema)
        )

    def repair(self, cursor: Cursor) -> None:
        """Recreate damaged indexes and triggers, as far as the user has the rights."""
        from stackfold.infrastructure.database import postgres_integrity

        postgres_integrity.repair(cursor, self._tables(), self._schema)

    if TYPE_CHECKING:

        def consistently(self, read: Callable[[], R]) -> R: ...

        def _cursor(self) -> Cursor: ...

        def _read(self, statement: str, parameters: Sequence[Any]) -> list[Any]: ...
