"""The tables of the read models, defined from their declarations."""

from collections.abc import Iterator

from stackfold.application.eventsourcing.read_models import every_plain, every_temporal
from stackfold.application.eventsourcing.snapshots import EVERY
from stackfold.infrastructure.database.protocol import Cursor

ENVELOPE = ("id", "revision", "since", "until", "created", "updated", "ended", "by")
"""The columns that every temporal read model has before its own."""


class Tables:
    """The tables of all read models."""

    def names(self) -> Iterator[str]:
        """The name of every table."""
        yield from (model.table for model in every_temporal())
        for model in every_plain():
            yield from model.tables

    def position_of(self, table: str, schema: str) -> str:
        """An SQL expression for the position in the log that a row of a table comes from."""
        if any(model.table == table for model in every_temporal()):
            return "since"
        if table in ("runs", "artifacts"):
            return "position"
        return f"coalesce((SELECT position FROM {schema}.runs WHERE id = run), 0)"

    def create(self, cursor: Cursor, schema: str) -> None:
        """Create them, empty and without indexes, in a schema of the database."""
        for temporal in every_temporal():
            own = "".join(f", {column} TEXT NOT NULL" for column in temporal.columns)
            cursor.execute(
                f"CREATE TABLE {schema}.{temporal.table} (id TEXT NOT NULL, "
                "revision INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, "
                "created TEXT NOT NULL, updated TEXT NOT NULL, ended TEXT, "
                f"by TEXT NOT NULL{own})"
            )
        for plain in every_plain():
            for table, columns in plain.tables.items():
                cursor.execute(f"CREATE TABLE {schema}.{table} ({columns})")

    def create_indexes(self, cursor: Cursor) -> None:
        """Create what makes looking things up fast, and a second living namesake impossible."""
        for temporal in every_temporal():
            table, unique = temporal.table, ", ".join(temporal.unique)
            for definition in (
                f"UNIQUE INDEX {table}_at ON {table} (id, since)",
                f"UNIQUE INDEX {table}_now ON {table} (id) WHERE until IS NULL",
                f"UNIQUE INDEX {table}_named ON {table} ({unique}) WHERE until IS NULL",
                f"INDEX {table}_snapshots ON {table} (id, revision) WHERE revision % {EVERY} = 0",
                f"INDEX {table}_begun ON {table} (since) WHERE revision = 1",
            ):
                cursor.execute(f"CREATE {definition}")
        for plain in every_plain():
            for number, index in enumerate(plain.indexes):
                table = index.split()[0]
                cursor.execute(f"CREATE INDEX {table}_{number} ON {index}")

    def clear(self, cursor: Cursor) -> None:
        """Delete all their rows."""
        for name in self.names():
            cursor.execute(f"DELETE FROM {name}")

    def drop(self, cursor: Cursor) -> None:
        """Drop those that are there, whatever version of the read models they are of."""
        for name in self.names():
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


TABLES = Tables()
