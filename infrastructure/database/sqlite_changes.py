"""Notices commits to a log in SQLite, by polling a counter of the database."""

import sqlite3
import time
from collections.abc import Callable

POLL = 0.04
"""Seconds between two polls."""


def commits_of_others(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection commits to the file."""
    ((version,),) = connection.execute("PRAGMA data_version").fetchall()
    return int(version)


def changed_rows(connection: sqlite3.Connection) -> int:
    """A number that changes when this connection changes a row."""
    return connection.total_changes


class SqliteChanges:
    """Compares a counter with its last value."""

    def __init__(
        self, connection: sqlite3.Connection, counter: Callable[[sqlite3.Connection], int]
    ) -> None:
        """Notice changes from now on.

        Args:
            connection: Reads the counter.
            counter: `commits_of_others`, or `changed_rows` for a database in memory.
        """
        self._connection = connection
        self._counter = counter
        self._last = counter(connection)

    def ready(self) -> bool:
        """Whether the counter changed since the last call."""
        last, self._last = self._last, self._counter(self._connection)
        return self._last != last

    def wait(self, seconds: float) -> bool:
        """Poll until the counter changes, or for a number of seconds."""
        end = time.monotonic() + seconds
        while not self.ready():
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(POLL, left))
        return True

    def renew(self) -> None:
        """Do nothing: there is no connection to a server."""
