"""The tables of read models of other packages, which are created when they are first needed.

A registry in the log's database says which of them are current, and for which version of their
declaration. So a program without a package need not know its tables: where it cannot maintain them
it removes them from the registry, and a program with the package builds them again.
"""

import json
from collections.abc import Sequence
from typing import Any

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.declaration_rules import table_names
from stackfold.domain.errors import InvalidAggregate, UnreadableEvent
from stackfold.domain.eventsourcing.topics import aggregate_topic, is_prefixed_event
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.database.read_model_tables import ReadModelTables

REGISTRY = "packaged_read_models"
_COLUMNS = (
    "topic TEXT PRIMARY KEY, version INTEGER NOT NULL, definition TEXT NOT NULL, "
    "tables TEXT NOT NULL"
)


class PackagedReadModels:
    """Builds the tables of aggregates of other packages, and knows which are current."""

    def __init__(self, database: Database) -> None:
        """Use the tables in a database.

        Args:
            database: Holds the log; its aggregates declare the read models.
        """
        self._database = database

    def create_registry(self, cursor: Cursor) -> None:
        """Create the empty registry, unless it exists."""
        table = f"{self._database.main}.{REGISTRY}"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} ({_COLUMNS})")

    def prepare(self, cursor: Cursor, stored: Sequence[Any], events: Sequence[Any]) -> None:
        """Prepare the tables for events that will be appended next.

        Args:
            cursor: Executes statements in the transaction that appends the events.
            stored: The events as they are stored.
            events: The same events as objects; None for one that no aggregate type declares.

        Raises:
            InvalidAggregate: A newer version of the package built the tables.
            UnreadableEvent: An earlier event of the aggregates cannot be loaded.
        """
        for each, event in zip(stored, events, strict=True):
            if is_prefixed_event(each.topic):
                topic = aggregate_topic(each.topic)
                declared = self._database.aggregates.type_of(topic)
                if event is None or declared is None:
                    self.forget(cursor, topic)
                elif not self.current(declared):
                    self._build(cursor, declared)

    def require(self, declared: AggregateType) -> None:
        """Build the tables of an aggregate type if they are not current.

        Raises:
            InvalidAggregate: A newer version of the package built the tables.
            UnreadableEvent: An event of the aggregates cannot be loaded.
            LogUnavailable: The tables cannot be created.
        """
        if not self.current(declared):
            with self._database.write() as cursor:
                if not self.current(declared):
                    self._build(cursor, declared)

    def current(self, declared: AggregateType) -> bool:
        """Whether the tables of an aggregate type are as its declaration requires.

        Raises:
            InvalidAggregate: A newer version of the package built the tables.
        """
        rows = self._database.read(
            f"SELECT version, definition FROM {REGISTRY} WHERE topic = ?", (declared.topic,)
        )
        if not rows:
            return False
        ((version, definition),) = rows
        if version > declared.version:
            package = self._database.aggregates.package_of(f"{declared.topic}.any")
            problem = f"a newer version of the package {package!r} built its tables: upgrade it"
            raise InvalidAggregate(declared.topic, problem)
        return bool(
            version == declared.version and definition == ReadModelTables.of(declared).fingerprint()
        )

    def forget(self, cursor: Cursor, topic: str) -> None:
        """Empty the tables of an aggregate, which are not current any longer.

        Args:
            cursor: Executes statements in a transaction.
            topic: The topic of the aggregate.
        """
        for table in self._registered(topic):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"DELETE FROM {REGISTRY} WHERE topic = ?", (topic,))

    def rebuild(self, cursor: Cursor) -> None:
        """Build the tables of the registry again; forget those that cannot be built."""
        for (topic,) in self._database.read(f"SELECT topic FROM {REGISTRY} ORDER BY topic"):
            declared = self._database.aggregates.type_of(topic)
            if declared is None:
                self.forget(cursor, topic)
                continue
            cursor.execute("SAVEPOINT packaged")
            try:
                self._build(cursor, declared)
            except (UnreadableEvent, InvalidAggregate):
                cursor.execute("ROLLBACK TO packaged")
                self.forget(cursor, topic)
            cursor.execute("RELEASE packaged")

    def _build(self, cursor: Cursor, declared: AggregateType) -> None:
        from stackfold.infrastructure.eventstore.rebuild import Fold, events

        topic, tables = declared.topic, ReadModelTables.of(declared)
        for table in {*self._registered(topic), *tables.names()}:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        tables.create(cursor, self._database.main)
        fold = Fold(self._database, cursor, self._database.main, topic)
        fold.run(events(self._database, topic))
        tables.create_indexes(cursor)
        cursor.execute(f"DELETE FROM {REGISTRY} WHERE topic = ?", (topic,))
        names = json.dumps([*table_names(declared)])
        row = (topic, declared.version, tables.fingerprint(), names)
        cursor.execute(f"INSERT INTO {REGISTRY} VALUES (?, ?, ?, ?)", row)

    def _registered(self, topic: str) -> list[str]:
        """The names of the tables of an aggregate, as the registry has them."""
        rows = self._database.read(f"SELECT tables FROM {REGISTRY} WHERE topic = ?", (topic,))
        return [name for (names,) in rows for name in json.loads(names)]
