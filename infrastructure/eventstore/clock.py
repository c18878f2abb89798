"""The time of recording: which clock is read, and what happens if it is wrong.

Events in a server's database get the time of the server's clock. For a file there is only the
clock of the machine. The time of recording never runs backwards, so a clock that is decades ahead
would determine the time of every later event: see decision 0027.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from stackfold.application.notices import publish_notice
from stackfold.domain.errors import ClockJumped
from stackfold.domain.rfc3339 import from_rfc3339, to_rfc3339, to_the_second
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.eventstore.hash_chain import Head

ALLOW_JUMP = "STACKFOLD_ALLOW_CLOCK_JUMP"
"""The environment variable that allows the clock to be more than ten years ahead of the log."""

_LONGEST_SLEEP = 10
"""Years that a log may be unused."""
_TOLERANCE = timedelta(minutes=1)
"""The difference between the clocks of two machines up to which there is no warning."""


class Ahead(NamedTuple):
    """A log whose last event has a time that is ahead of the clock."""

    first: int
    """The position of the first event that is ahead of the clock."""
    recorded_at: str
    """The time of the last event, which the next event gets as well."""
    now: str
    """The time of the clock."""

    def __str__(self) -> str:
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
    """The time of recording for events that are appended now: RFC 3339, UTC.

    Args:
        database: Holds the log.
        head: The end of the log.
        server_time: The time of the server's clock; None without a server.

    Raises:
        ClockJumped: There is no server, and the clock of this machine is more than ten years ahead
            of the last event.
    """
    now = _time(database, server_time)
    if head.position and server_time is None and database.location != "memory":
        _must_be_plausible(head.recorded_at, now)
    return max(head.recorded_at, now)


def ahead(database: Database, cursor: Cursor, head: Head, server_time: str | None) -> Ahead | None:
    """Check whether a log is ahead of the clock.

    Args:
        database: Holds the log.
        cursor: Reads it.
        head: The end of the log.
        server_time: The time of the server's clock; None without a server.

    Returns:
        What to report; None if the log is not ahead.
    """
    if not head.position or database.location == "memory":
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
    """Warn of a log that is ahead of the clock."""
    if found:
        publish_notice(str(found))


def now() -> str:
    """The current time as text, by the clock of this machine."""
    return to_rfc3339(datetime.now(UTC))


def is_frozen() -> bool:
    """Whether a test has replaced the clock of this process."""
    import sqlite3

    # SQLite reads the clock of the system, which tests do not replace.
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
