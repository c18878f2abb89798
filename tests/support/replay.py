"""Checks that the read models equal a replay of the log, and that its hash chain is intact."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.eventstore.fork import fill
from stackfold.infrastructure.eventstore.hash_chain import BEGINNING, COLUMNS, Record, chained
from stackfold.infrastructure.workspace import Workspace


def assert_consistent(workspace: Workspace) -> int:
    """Check the whole log; return the number of its events."""
    database = workspace._database
    records = records_of(database)
    assert_chained(records)
    copy = replay_log(database)
    try:
        assert tables_of(database) == tables_of(copy)
    finally:
        copy.close()
    return len(records)


def replay_log(database: Database) -> Database:
    """A copy in memory whose read models are rebuilt from the log."""
    copy = SqliteDatabase.in_memory()
    fill(copy, records_of(database))
    return copy


def records_of(database: Database) -> list[Record]:
    rows = database.read(f"SELECT {COLUMNS} FROM events ORDER BY position")
    return [Record(*row) for row in rows]


def stored(record: Record) -> StoredEvent:
    return StoredEvent(
        UUID(record.originator_id), record.originator_version, record.topic, record.state
    )


def tables_of(database: Database) -> dict[str, list[Any]]:
    """Read model → its rows, in an order that does not depend on how they were written."""
    return {
        table: sorted(database.read(f"SELECT * FROM {table}"), key=repr)
        for table in ReadModelTables(STACKFOLD_AGGREGATES).names()
    }


def assert_chained(records: Sequence[Record]) -> None:
    """Assert that positions have no gaps, times never decrease, and each hash is valid."""
    previous, time = BEGINNING, ""
    for position, record in enumerate(records, start=1):
        assert record.position == position
        assert record.change <= position
        assert record.recorded_at >= time
        assert record.hash == chained(previous, *record[:-1])
        previous, time = record.hash, record.recorded_at
