"""Notices commits to a log in SQLite, by polling a counter of the database."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from stackfold.domain.errors import LogUnavailable

POLL = 0.04
"""Seconds between two polls."""


def commits_of_others(connection: sqlite3.Connection, path: Path) -> Callable[[], int]:
    """A function whose result changes when another connection commits to the file.

    It raises `LogUnavailable` if there is another file at the path, or none.
    """
    opened = _file_number(path)

    def counter() -> int:
        if _file_number(path) != opened:
            raise LogUnavailable(str(path), "was replaced by another file: open it again")
        ((version,),) = connection.execute("PRAGMA data_version").fetchall()
        return int(version)

    return counter


def changed_rows(connection: sqlite3.Connection) -> Callable[[], int]:
    """A function whose result changes when this connection changes a row."""
    return lambda: connection.total_changes


def _file_number(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


class SqliteChanges:
    """Compares a counter with its last value."""

    def __init__(self, counter: Callable[[], int]) -> None:
        """Notice changes from now on.

        Args:
            counter: Of `commits_of_others`, or of `changed_rows` for a database in memory.
        """
        self._counter = counter
        self._last = counter()

    def ready(self) -> bool:
        """Whether the counter changed since the last call."""
        last, self._last = self._last, self._counter()
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
