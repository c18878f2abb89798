"""Notices commits to a log in SQLite, by polling a counter of the database."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from stackfold.domain.errors import LogUnavailable
from stackfold.infrastructure.database.sqlite_file import connect_existing
from stackfold.infrastructure.system.forks import notify_after_fork

POLL = 0.04
"""Seconds between two polls."""


class CommitsOfOthers:
    """A function whose result changes when another connection commits to a file."""

    def __init__(self, path: Path) -> None:
        """Connect to the file at `path`."""
        self._path = path
        self._file = _file_number(path)
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = connect_existing(path)
        self._connections = 1
        notify_after_fork(self)

    def __call__(self) -> tuple[int, int]:
        """The number of the connection, and the counter of the database as it sees it.

        Raises:
            LogUnavailable: There is another file at the path, or none.
        """
        if _file_number(self._path) != self._file:
            raise LogUnavailable(str(self._path), "was replaced by another file: open it again")
        with self._lock:
            if self._opened is None:
                self._opened = connect_existing(self._path)
                self._connections += 1
            ((version,),) = self._opened.execute("PRAGMA data_version").fetchall()
            return self._connections, int(version)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def before_fork(self, until_forked: ExitStack) -> None:
        """Close the connection until it is needed again."""
        self._lock.acquire()
        until_forked.callback(self._lock.release)
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def after_fork(self) -> None:
        """In a forked process, forget that another thread may have the lock."""
        self._lock = threading.Lock()


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

    def __init__(self, counter: Callable[[], object]) -> None:
        """Notice changes from now on.

        Args:
            counter: A `CommitsOfOthers`, or of `changed_rows` for a database in memory.
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
