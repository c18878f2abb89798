"""Creates the tables of the read models from their declarations."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Self

from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.columns import columns_of
from stackfold.application.eventsourcing.projection import PositionOf, Table
from stackfold.application.eventsourcing.snapshots import EVERY
from stackfold.infrastructure.database.log_index import LOG_INDEX
from stackfold.infrastructure.database.protocol import Cursor

ENVELOPE = ("id", "revision", "since", "until", "created", "updated", "ended", "by")
"""The first columns of every read model with a row per revision; its row's columns follow."""

_FORMER = ("log_index",)
"""The tables of earlier schema versions."""

_TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "DOUBLE PRECISION", "json": "TEXT"}


class ReadModelTables:
    """The tables of read models."""

    def __init__(self, aggregates: Aggregates) -> None:
        """Collect the tables of Stackfold's own aggregates, which exist in every log.

        Args:
            aggregates: Declare the read models.
        """
        own = (found for topic in aggregates.topics if (found := aggregates.type_of(topic)))
        self._models = tuple(aggregates.read_models())
        self._tables: tuple[Table, ...] = (LOG_INDEX, *_tables(own))

    @classmethod
    def of(cls, *types: AggregateType) -> Self:
        """The tables of some aggregate types."""
        tables = cls.__new__(cls)
        tables._models = tuple(each.projection.read_model for each in types if each.projection)
        tables._tables = tuple(_tables(types))
        return tables

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
        for name, columns in self._definitions():
            cursor.execute(f"CREATE TABLE {schema}.{name} ({columns})")

    def create_indexes(self, cursor: Cursor) -> None:
        """Create the indexes, for lookups and for the uniqueness of names."""
        for definition in self._indexes():
            cursor.execute(f"CREATE {definition}")

    def fingerprint(self) -> str:
        """A text that differs if the definitions of the tables or indexes differ."""
        definitions = [*map(" ".join, self._definitions()), *self._indexes()]
        return hashlib.sha256("\n".join(definitions).encode()).hexdigest()

    def _definitions(self) -> Iterator[tuple[str, str]]:
        """The name and the columns of each table."""
        for model in self._models:
            yield (
                model.table,
                "id TEXT NOT NULL, "
                "revision INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, "
                "created TEXT NOT NULL, updated TEXT NOT NULL, ended TEXT, "
                f"by TEXT NOT NULL, {', '.join(_columns(model.row))}",
            )
        for table in self._tables:
            yield table.name, _definition(table)

    def _indexes(self) -> Iterator[str]:
        for model in self._models:
            table, unique = model.table, ", ".join(model.unique)
            yield f"UNIQUE INDEX {table}_at ON {table} (id, since)"
            yield f"UNIQUE INDEX {table}_now ON {table} (id) WHERE until IS NULL"
            yield f"UNIQUE INDEX {table}_named ON {table} ({unique}) WHERE until IS NULL"
            yield f"INDEX {table}_snapshots ON {table} (id, revision) WHERE revision % {EVERY} = 0"
            yield f"INDEX {table}_begun ON {table} (since) WHERE revision = 1"
        for each in self._tables:
            for columns in each.indexes:
                name = f"{each.name}_by_{'_'.join(columns)}"
                yield f"INDEX {name} ON {each.name} ({', '.join(columns)})"

    def clear(self, cursor: Cursor) -> None:
        """Delete all rows."""
        for name in self.names():
            cursor.execute(f"DELETE FROM {name}")

    def drop(self, cursor: Cursor) -> None:
        """Drop the tables that exist, of any schema version."""
        for name in (*self.names(), *_FORMER):
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def _tables(types: Iterable[AggregateType]) -> Iterator[Table]:
    return (table for each in types for projection in each.tables for table in projection.tables)


def _definition(table: Table) -> str:
    keys = [f"PRIMARY KEY ({', '.join(table.primary_key)})"]
    keys += [f"UNIQUE ({', '.join(columns)})" for columns in table.unique]
    return ", ".join([*_columns(table.row), *keys])


def _columns(row: type[tuple[Any, ...]]) -> Iterator[str]:
    for name, type, optional in columns_of(row):
        yield f"{name} {_TYPES[type]}{'' if optional else ' NOT NULL'}"
