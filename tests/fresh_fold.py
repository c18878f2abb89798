"""Are the read models what a fresh fold of the log makes, and is its hash chain whole?"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from stackfold.infrastructure.chain import BEGINNING, COLUMNS, Record, chained
from stackfold.infrastructure.database import Database
from stackfold.infrastructure.event_mapper import EventMapper
from stackfold.infrastructure.projector import Projector
from stackfold.infrastructure.queries import SqlQueries
from stackfold.infrastructure.wiring import PLAIN, TEMPORAL
from stackfold.infrastructure.workspace import Workspace

TABLES = [model.table for model in TEMPORAL] + [table for model in PLAIN for table in model.tables]


def assert_consistent(workspace: Workspace) -> int:
    """Check the whole log; returns its length."""
    database = workspace._database
    records = records_of(database)
    assert_chained(records)
    assert tables_of(database) == tables_of(fresh_fold(records))
    return len(records)


def fresh_fold(records: Sequence[Record]) -> Database:
    """A new database with nothing but the read models, folded from the log's records."""
    database = Database.in_memory()
    mapper = EventMapper()
    projector = Projector(TEMPORAL, PLAIN, SqlQueries(database))
    with database.write() as cursor:
        projector.create_tables(cursor)
        for record in records:
            event = mapper.to_domain_event(stored(record))
            projector.project(cursor, event, record.position, record.recorded_at)
    return database


def records_of(database: Database) -> list[Record]:
    rows = database.read(f"SELECT {COLUMNS} FROM events ORDER BY position")
    return [Record(*row) for row in rows]


def stored(record: Record) -> StoredEvent:
    return StoredEvent(
        UUID(record.originator_id), record.originator_version, record.topic, record.state
    )


def tables_of(database: Database) -> dict[str, list[Any]]:
    return {table: sorted(database.read(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


def assert_chained(records: Sequence[Record]) -> None:
    """Each record is chained to the one before, in a row without gaps, in the order of time."""
    previous, time = BEGINNING, ""
    for position, record in enumerate(records, start=1):
        assert record.position == position
        assert record.change <= position
        assert record.recorded_at >= time
        assert record.hash == chained(previous, *record[:-1])
        previous, time = record.hash, record.recorded_at
