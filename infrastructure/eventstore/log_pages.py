"""Reads the log after a checkpoint, a page at a time, and notices that the log was replaced."""

import math
import threading
from collections.abc import Collection, Sequence
from typing import NamedTuple

from stackfold.domain.errors import Invalid, LogDiverged
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.hash_chain import (
    COLUMNS,
    START,
    Checkpoint,
    Head,
    Record,
    parse_head,
)

LARGEST_PAGE = 10_000
"""The most events of a page."""
_MOST_TOPICS = 1000
_LAST_POSITION = 2**63 - 1


class Page(NamedTuple):
    """Some records, and how far the log was read for them."""

    records: Sequence[Record]
    end: Checkpoint
    """Where the next page begins; after the last record if others did not match."""


class LogPages:
    """Reads pages of the log. It has no state, so threads may share it."""

    def __init__(self, database: Database, topics: Collection[str] = ()) -> None:
        """Create a reader.

        Args:
            database: Holds the log.
            topics: Only events of these topics; empty for all.

        Raises:
            Invalid: The topics are not a collection of topics.
        """
        self._database = database
        self._topics = _valid_topics(topics)
        wanted = ", ".join("?" for _ in self._topics)
        self._select = (
            f"SELECT {COLUMNS} FROM events WHERE position > ? AND position <= ?"
            f"{f' AND topic IN ({wanted})' if wanted else ''} ORDER BY position LIMIT ?"
        )

    def begin(self, after: int | Checkpoint) -> Checkpoint:
        """The checkpoint at which to begin.

        Args:
            after: The last position that was processed, or the checkpoint at it.

        Raises:
            LogDiverged: The log does not continue from there.
        """
        if isinstance(after, int):
            rows = self._database.read("SELECT hash FROM events WHERE position = ?", (after,))
            after = Checkpoint(after, rows[0][0]) if rows else START._replace(position=after)
        self._end(after)
        return after

    def read(self, after: Checkpoint, size: int) -> Page:
        """The next records after a checkpoint; none at the end of the log.

        Args:
            after: Where the previous page ended.
            size: The most records.

        Raises:
            LogDiverged: The log does not continue from the checkpoint.
        """
        end = self._end(after)
        if end.position == after.position:
            return Page((), after)
        rows = self._database.read(
            self._select, (after.position, end.position, *self._topics, size)
        )
        records = [*map(Record._make, rows)]
        if len(records) == size:
            end = Checkpoint(records[-1].position, records[-1].hash)
        return Page(records, end)

    def _end(self, after: Checkpoint) -> Checkpoint:
        """The end of the log, which must contain the checkpoint."""
        rows = self._database.read(
            "SELECT position, hash FROM events "
            "WHERE position IN (?, (SELECT max(position) FROM events)) ORDER BY position",
            (after.position,),
        )
        found = [*map(Checkpoint._make, rows)] or [START]
        end = found[-1]
        if after.position > end.position:
            raise LogDiverged(str(after), f"the log ends at position {end.position}")
        if after.position and found[0] != after:
            raise LogDiverged(str(after), f"the log has another event at {after.position}")
        return end


def valid_start(after: object) -> int | Checkpoint:
    """The position or checkpoint that a caller gives to begin after.

    Raises:
        Invalid: It is neither a position nor a head.
    """
    if isinstance(after, str):
        return parse_head(after)
    if isinstance(after, Head):
        return Checkpoint(after.position, after.hash)
    if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after <= _LAST_POSITION:
        raise Invalid(f"after={after!r:.100} is not a position: give 0 or more, or POSITION:HASH")
    return after


def valid_size(size: object) -> int:
    """The size of a page.

    Raises:
        Invalid: It is not from 1 to 10,000.
    """
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST_PAGE:
        raise Invalid(f"a batch cannot have {size!r:.100} events: give 1 to {LARGEST_PAGE:,}")
    return size


def valid_timeout(timeout: object) -> float:
    """The seconds to wait; infinite for None.

    Raises:
        Invalid: It is negative or not a number.
    """
    if timeout is None:
        return math.inf
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout >= 0:
        raise Invalid(f"timeout={timeout!r:.100} is not a time to wait: give seconds, or None")
    return min(timeout, threading.TIMEOUT_MAX)


def _valid_topics(topics: object) -> tuple[str, ...]:
    problem = f"topics={topics!r:.100} are not topics: give a list such as ['stack.updated']"
    if isinstance(topics, str | bytes) or not isinstance(topics, Collection):
        raise Invalid(problem)
    for each in topics:
        if not isinstance(each, str) or not each or not each.isprintable():
            raise Invalid(problem)
    wanted = tuple(dict.fromkeys(topics))
    if len(wanted) > _MOST_TOPICS:
        raise Invalid(f"{len(wanted):,} topics are too many: give at most {_MOST_TOPICS:,}")
    return wanted
