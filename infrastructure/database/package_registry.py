"""The registry of the tables of read models of other packages, in the database of the log."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.declaration_rules import table_names
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.domain.errors import InvalidAggregate
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.database.read_model_tables import ReadModelTables

REGISTRY = "packaged_read_models"
"""The table of the registry."""
_COLUMNS = (
    "topic TEXT PRIMARY KEY, version INTEGER NOT NULL, definition TEXT NOT NULL, "
    "tables TEXT NOT NULL"
)


INVALID = 0
"""The version of tables that are not current; declarations have 1 and more."""


class Registration(NamedTuple):
    """The tables of an aggregate, and what they are current for."""

    topic: str
    version: int
    """The version of the declaration that built them; `INVALID` if they are empty."""
    definition: str
    """The fingerprint of the definitions of the tables."""
    tables: tuple[str, ...]


class PackageRegistry:
    """Reads and writes the registry."""

    def __init__(self, database: Database) -> None:
        """Use the registry in a database."""
        self._database = database

    def create(self, cursor: Cursor) -> None:
        """Create the empty registry, unless it exists."""
        table = f"{self._database.main}.{REGISTRY}"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} ({_COLUMNS})")

    def find(self, topic: str) -> Registration | None:
        """The registration of the tables of an aggregate; None if they do not exist."""
        return next(self._read(" WHERE topic = ?", (topic,)), None)

    def all(self) -> Sequence[Registration]:
        """All registrations, by topic."""
        return [*self._read(" ORDER BY topic")]

    def is_current(self, declared: AggregateType) -> bool:
        """Whether the tables of an aggregate type are as its declaration requires.

        Raises:
            InvalidAggregate: A newer version of the package built the tables.
        """
        found = self.find(declared.topic)
        if found is not None and found.version > declared.version:
            package = self._database.aggregates.package_of(f"{declared.topic}.any")
            problem = f"a newer version of the package {package!r} built its tables: upgrade it"
            raise InvalidAggregate(declared.topic, problem)
        return found is not None and found == registration_of(declared)

    def readable(self, topic: str) -> ReadModel | None:
        """The read model of an aggregate of another package, if its table can be read now.

        Args:
            topic: The topic of the aggregate.
        """
        declared = self._database.aggregates.type_of(topic)
        if declared is None or declared.projection is None:
            return None
        try:
            return declared.projection.read_model if self.is_current(declared) else None
        except InvalidAggregate:
            return None

    def add(self, cursor: Cursor, registration: Registration) -> None:
        """Register the tables of an aggregate, instead of earlier ones."""
        self.remove(cursor, registration.topic)
        row = (*registration[:-1], json.dumps(registration.tables))
        cursor.execute(f"INSERT INTO {REGISTRY} VALUES (?, ?, ?, ?)", row)

    def invalidate(self, cursor: Cursor, topic: str) -> None:
        """Record that the tables of an aggregate exist, but are not current."""
        cursor.execute(f"UPDATE {REGISTRY} SET version = ? WHERE topic = ?", (INVALID, topic))

    def remove(self, cursor: Cursor, topic: str) -> None:
        """Remove the registration of an aggregate."""
        cursor.execute(f"DELETE FROM {REGISTRY} WHERE topic = ?", (topic,))

    def _read(self, condition: str, parameters: Sequence[str] = ()) -> Iterator[Registration]:
        for topic, version, definition, tables in self._database.read(
            f"SELECT topic, version, definition, tables FROM {REGISTRY}{condition}", parameters
        ):
            prefix = f"{topic.partition('.')[0]}_"
            # The names become a part of statements, so the registry cannot name other tables.
            names = (str(name) for name in json.loads(tables))
            own = tuple(name for name in names if name.isidentifier() and name.startswith(prefix))
            yield Registration(topic, version, definition, own)


@cache
def registration_of(declared: AggregateType) -> Registration:
    """The registration of the tables of an aggregate type, once they are built."""
    tables = ReadModelTables.of(declared)
    return Registration(
        declared.topic, declared.version, tables.fingerprint(), tuple(table_names(declared))
    )
