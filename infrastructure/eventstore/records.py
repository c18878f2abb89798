"""Reads the log as it is stored."""

from collections.abc import Iterator
from typing import Any

from stackfold.application.history.views import LogEvent
from stackfold.domain.errors import UnreadableEvent
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.hash_chain import (
    BEGINNING,
    COLUMNS,
    Head,
    Record,
    select_head,
)

PAGE = 2000


def records(
    database: Database, after: int = 0, upto: int | None = None, page_size: int = PAGE
) -> Iterator[Record]:
    """The records by position, read a page at a time, so that no thread waits long.

    Args:
        database: Holds the log.
        after: Only records after this position.
        upto: Only records up to this position; None for all.
        page_size: The number of records of a page.
    """
    while page := database.read(
        f"SELECT {COLUMNS} FROM events WHERE position > ? AND position <= ? "
        f"ORDER BY position LIMIT {page_size}",
        (after, 2**63 - 1 if upto is None else upto),
    ):
        yield from map(Record._make, page)
        after = page[-1][0]


def head(database: Database) -> Head:
    """The end of the log."""
    rows = database.read(select_head())
    return Head(*rows[0][:3]) if rows else Head(0, "", BEGINNING)


def event_of(record: Record) -> LogEvent:
    """The event of a record, with its fields as they were recorded.

    Raises:
        UnreadableEvent: It is damaged.
    """
    return LogEvent(
        record.position,
        record.change,
        record.recorded_at,
        record.originator_id,
        record.originator_version,
        record.topic,
        _fields(record),
        f"{record.position}:{record.hash.hex()}",
    )


def package_in(state: bytes) -> str | None:
    """The package that recorded an event; None if its JSON names none."""
    import orjson

    try:
        package = orjson.loads(state)["package"]
    except (ValueError, LookupError, TypeError):
        return None
    return package if isinstance(package, str) else None


def _fields(record: Record) -> dict[str, Any]:
    import orjson

    try:
        fields: dict[str, Any] = orjson.loads(record.state)
    except orjson.JSONDecodeError as error:
        raise UnreadableEvent(record.topic, "it was damaged", record.position) from error
    return fields
