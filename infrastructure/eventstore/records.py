"""Reads the log as it is stored."""

from collections.abc import Iterator

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
