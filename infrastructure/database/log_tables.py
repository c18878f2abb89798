"""The table of events, its indexes, and the triggers that make it append-only.

A unique index ensures that no aggregate has two events of one revision. A damaged index can let a
second one in. A copy of such a log must contain both, so its index excepts them.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from stackfold.domain.errors import ContradictoryEvents
from stackfold.infrastructure.database.protocol import Cursor, Database

_COLUMNS = (
    "position INTEGER PRIMARY KEY, change INTEGER NOT NULL, recorded_at TEXT NOT NULL, "
    "originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL, "
    "state BLOB NOT NULL, hash BLOB NOT NULL"
)
_UNIQUE = "UNIQUE (originator_id, originator_version)"
INDEXES = (
    "CREATE INDEX events_by_time ON events (recorded_at)",
    "CREATE INDEX events_of_configuration ON events (position) WHERE substr(topic, 1, 4) <> 'run.'",
)
EVENTS = f"CREATE TABLE events ({_COLUMNS}, {_UNIQUE})"
EVENTS_WITH_DUPLICATES = f"CREATE TABLE events ({_COLUMNS})"
BY_REVISION = "CREATE INDEX events_by_revision ON events (originator_id, originator_version)"
ONE_OF_A_REVISION = (
    "CREATE UNIQUE INDEX events_revisions ON events (originator_id, originator_version) "
    "WHERE position NOT IN "
)
"""The begin of the unique index of a table with duplicates; their positions follow."""

INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_BATCH = 2000
_MOST_DUPLICATES = 500
"""The most duplicates that a damaged index explains; a log with more was forged."""


def create(cursor: Cursor, database: Database) -> None:
    """Create the empty table of events."""
    for statement in (EVENTS, *INDEXES, *database.append_only):
        cursor.execute(statement)


def copy(cursor: Cursor, database: Database, records: Iterable[Sequence[Any]]) -> None:
    """Insert records into the empty table, even if some have the same revision.

    Raises:
        ContradictoryEvents: Too many records have the same revision.
        database.conflict: Two records have the same position.
    """
    rest = iter(records)
    duplicates = False
    while batch := [*islice(rest, _BATCH)]:
        cursor.execute("SAVEPOINT batch")
        try:
            cursor.executemany(INSERT, batch)
        except database.conflict:
            cursor.execute("ROLLBACK TO batch")
            if duplicates:
                raise
            _allow_duplicates(cursor)
            cursor.executemany(INSERT, batch)
            duplicates = True
        cursor.execute("RELEASE batch")
    if duplicates:
        _forbid_more_duplicates(cursor, database)


def _allow_duplicates(cursor: Cursor) -> None:
    cursor.execute("ALTER TABLE events RENAME TO events_so_far")
    cursor.execute(EVENTS_WITH_DUPLICATES)
    cursor.execute("INSERT INTO events SELECT * FROM events_so_far")
    cursor.execute("DROP TABLE events_so_far")


def _forbid_more_duplicates(cursor: Cursor, database: Database) -> None:
    cursor.execute(BY_REVISION)
    found = cursor.execute(
        "SELECT position FROM events AS e WHERE EXISTS (SELECT 1 FROM events AS first "
        "WHERE first.originator_id = e.originator_id "
        "AND first.originator_version = e.originator_version AND first.position < e.position) "
        f"ORDER BY position LIMIT {_MOST_DUPLICATES + 1}"
    ).fetchall()
    if len(found) > _MOST_DUPLICATES:
        raise ContradictoryEvents("too many events have a revision that another event has")
    positions = ", ".join(str(int(position)) for (position,) in found)
    for statement in (f"{ONE_OF_A_REVISION}({positions})", *INDEXES, *database.append_only):
        cursor.execute(statement)
