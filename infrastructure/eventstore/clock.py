"""The time of recording: by whose clock, and what to do about a clock that is wrong.

A server's clock stamps what a server keeps. A file has only the clock of the machine; one that is
decades ahead would stamp every later event with its time, since that never runs backwards.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from stackfold.application.notices import tell
from stackfold.domain.errors import ClockJumped
from stackfold.domain.rfc3339 import from_rfc3339, to_rfc3339, to_the_second
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.eventstore.hash_chain import Head

ALLOW_JUMP = "STACKFOLD_ALLOW_CLOCK_JUMP"
"""The environment variable that lets the clock be more than ten years ahead of the log."""

_LONGEST_SLEEP = 10
"""Years that a log may lie unused."""
_TOLERANCE = timedelta(minutes=1)
"""How far clocks of different machines may be apart without a word."""


class Ahead(NamedTuple):
    """A log whose last event was recorded at a time that the clock has not reached."""

    first: int
    """The position of the first event that lies ahead of the clock."""
    recorded_at: str
    """When the last event was recorded, which is the time that the next one gets."""
    now: str
    """What the clock says."""

    def __str__(self) -> str:
        """What is wrong, and what ends it."""
        text = (
            f"the clock says {to_the_second(self.now)}, but the log is at "
            f"{to_the_second(self.recorded_at)} since #{self.first}: what is "
            "recorded gets that time"
        )
        if self.first == 1:
            return f"{text}; if the clock is right, begin a new log"
        before = self.first - 1
        return (
            f"{text}; if the clock is right, `stackfold log fork NEW_HOME --at '#{before}'` makes "
            "a copy that ends before it"
        )


def stamp(database: Database, head: Head, server_time: str | None) -> str:
    """The time of recording for what is appended now.

    Args:
        database: Where the log is.
        head: The end of the log.
        server_time: What the database's own clock says; None if it has none.

    Raises:
        ClockJumped: The clock is more than ten years ahead of the last event, and nothing but that
            clock tells the time.
    """
    now = _time(database, server_time)
    if head.position and server_time is None and database.place != "memory":
        _must_be_plausible(head.recorded_at, now)
    return max(head.recorded_at, now)


def ahead(database: Database, cursor: Cursor, head: Head, server_time: str | None) -> Ahead | None:
    """What is to be told of a log that lies ahead of the clock; None if it does not."""
    if not head.position or database.place == "memory":
        return None
    now = _time(database, server_time)
    if head.recorded_at <= now or _difference(head.recorded_at, now) <= _TOLERANCE:
        return None
    if is_frozen():
        return None
    ((before,),) = cursor.execute(
        "SELECT coalesce(max(position), 0) FROM events WHERE recorded_at <= ?", (now,)
    ).fetchall()
    return Ahead(int(before) + 1, head.recorded_at, now)


def report(found: Ahead | None) -> None:
    """Tell of a log that lies ahead of the clock."""
    if found:
        tell(str(found))


def now() -> str:
    """The current time as text, by the clock of this machine."""
    return to_rfc3339(datetime.now(UTC))


def is_frozen() -> bool:
    """Whether this process's clock was set by a test, not by the machine."""
    import sqlite3

    # SQLite asks the system itself, so it is not told what a test told Python.
    connection = sqlite3.connect(":memory:")
    try:
        ((machine,),) = connection.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")
    finally:
        connection.close()
    return _difference(machine, now()) > _TOLERANCE


def _time(database: Database, server_time: str | None) -> str:
    here = now()
    if server_time is None or _difference(server_time, here) <= _TOLERANCE:
        return server_time or here
    return here if is_frozen() else server_time


def _must_be_plausible(last: str, now: str) -> None:
    latest = f"{int(last[:4]) + _LONGEST_SLEEP:04}{last[4:]}"
    if now > latest and not os.environ.get(ALLOW_JUMP) and not is_frozen():
        raise ClockJumped(now, last, ALLOW_JUMP)


def _difference(one: str, other: str) -> timedelta:
    return abs(from_rfc3339(one) - from_rfc3339(other))
