"""Creates the tables of the read models from their declarations."""

from collections.abc import Iterator
from typing import Any

from stackfold.application.eventsourcing.aggregate_type import Aggregates
from stackfold.application.eventsourcing.columns import columns_of
from stackfold.application.eventsourcing.projection import PositionOf, Table
from stackfold.application.eventsourcing.snapshots import EVERY
from stackfold.infrastructure.database.log_index import LOG_INDEX
from stackfold.infrastructure.database.protocol import Cursor

ENVELOPE = ("id", "revision", "since", "until", "created", "updated", "ended", "by")
"""The first columns of every read model with a row per revision; its row's columns follow."""

_TYPES = {"text": "TEXT", "integer": "INTEGER", "json": "TEXT"}


class ReadModelTables:
    """The tables of all read models of a set of aggregates."""

    def __init__(self, aggregates: Aggregates) -> None:
        """Collect the tables.

        Args:
            aggregates: Declare the read models.
        """
        self._models = tuple(aggregates.read_models())
        self._tables: tuple[Table, ...] = (
            LOG_INDEX,
            *(
                table
                for each in aggregates.types()
                for projection in each.tables
                for table in projection.tables
            ),
        )

    def names(self) -> Iterator[str]:
        """The names of all tables."""
        yield from (model.table for model in self._models)
        yield from (table.name for table in self._tables)

    def position_of(self, name: str, schema: str) -> str:
        """SQL for the position of the event that created a row of a table."""
        table = next((each for each in self._tables if each.name == name), None)
        if table is None:
            return "since"
        if isinstance(table.position, PositionOf):
            other, column = table.position
            return f"coalesce((SELECT position FROM {schema}.{other.name} WHERE id = {column}), 0)"
        return table.position

    def create(self, cursor: Cursor, schema: str) -> None:
        """Create the empty tables in a schema of the database, without indexes."""
        for model in self._models:
            cursor.execute(
                f"CREATE TABLE {schema}.{model.table} (id TEXT NOT NULL, "
                "revision INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, "
                "created TEXT NOT NULL, updated TEXT NOT NULL, ended TEXT, "
                f"by TEXT NOT NULL, {', '.join(_columns(model.row))})"
            )
        for table in self._tables:
            cursor.execute(f"CREATE TABLE {schema}.{table.name} ({_definition(table)})")

    def create_indexes(self, cursor: Cursor) -> None:
        """Create the indexes, for lookups and for the uniqueness of names."""
        for model in self._models:
            table, unique = model.table, ", ".join(model.unique)
            for definition in (
                f"UNIQUE INDEX {table}_at ON {table} (id, since)",
                f"UNIQUE INDEX {table}_now ON {table} (id) WHERE until IS NULL",
                f"UNIQUE INDEX {table}_named ON {table} ({unique}) WHERE until IS NULL",
                f"INDEX {table}_snapshots ON {table} (id, revision) WHERE revision % {EVERY} = 0",
                f"INDEX {table}_begun ON {table} (since) WHERE revision = 1",
            ):
                cursor.execute(f"CREATE {definition}")
        for each in self._tables:
            for columns in each.indexes:
                name = f"{each.name}_by_{'_'.join(columns)}"
                cursor.execute(f"CREATE INDEX {name} ON {each.name} ({', '.join(columns)})")

    def clear(self, cursor: Cursor) -> None:
        """Delete all rows."""
        for name in self.names():
            cursor.execute(f"DELETE FROM {name}")

    def drop(self, cursor: Cursor) -> None:
        """Drop the tables that exist, of any schema version."""
        for name in self.names():
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def _definition(table: Table) -> str:
    keys = [f"PRIMARY KEY ({', '.join(table.primary_key)})"]
    keys += [f"UNIQUE ({', '.join(columns)})" for columns in table.unique]
    return ", ".join([*_columns(table.row), *keys])


def _columns(row: type[tuple[Any, ...]]) -> Iterator[str]:
    for name, type, optional in columns_of(row):
        yield f"{name} {_TYPES[type]}{'' if optional else ' NOT NULL'}"
