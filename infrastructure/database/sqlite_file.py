"""Opens SQLite files, and checks that they are complete.

A process that is forked while it has a connection to a file cannot use that file: SQLite keeps the
locks of a file in memory, so the child would take those of its parent for its own.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any
from weakref import WeakSet

from stackfold.domain.errors import LogUnavailable
from stackfold.infrastructure.system.forks import notify_after_fork

PATIENCE = 10.0
"""Seconds to wait for the transaction of another process to end."""


class Connection(sqlite3.Connection):
    """A connection that is known until it is closed."""

    def __init__(self, database: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(database, *args, **kwargs)
        self.address = database
        _open.add(self)

    def close(self) -> None:
        """Close the connection."""
        _open.discard(self)
        super().close()


class _InheritedFiles:
    """The files that this process cannot use, since it was forked while they were in use."""

    def __init__(self) -> None:
        self._files: dict[tuple[int, int], sqlite3.Connection] = {}
        self._connections: list[sqlite3.Connection] = []
        notify_after_fork(self)

    def after_fork(self) -> None:
        """Never close the connections of the parent: that would remove its locks and journal."""
        from urllib.parse import unquote

        for each in [*_open]:
            self._connections.append(each)
            number = _number(unquote(each.address.removeprefix("file:").partition("?")[0]))
            if number:
                self._files[number] = each
        _open.clear()

    def check(self, path: Path) -> None:
        """Check that a file can be used.

        Raises:
            LogUnavailable: It was in use when this process was forked.
        """
        if self._files and _number(str(path)) in self._files:
            problem = (
                "was in use by a thread, or in the middle of a change, when this process was "
                "forked, so it cannot be used in it: fork outside of these"
            )
            raise LogUnavailable(str(path), problem)


def _number(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


_open: "WeakSet[Connection]" = WeakSet()
_inherited = _InheritedFiles()


def cut_off(path: Path) -> bool:
    """Whether the file is shorter than its header says; SQLite reads the missing end as zeros."""
    if not _seems_cut_off(path):
        return False
    # Another process may be extending the file. While a connection reads, it does so only through
    # the journal, which exists as long as there is a connection.
    connection = None
    try:
        connection = connect(f"{address_of(path)}?mode=rw")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return _seems_cut_off(path) and not _journal_size(path)
    except sqlite3.DatabaseError as error:
        return not isinstance(error, sqlite3.OperationalError)
    finally:
        if connection:
            connection.close()


def _seems_cut_off(path: Path) -> bool:
    if _journal_size(path):
        return False
    try:
        with path.open("rb") as file:
            header = file.read(32)
        size = path.stat().st_size
    except OSError:
        return False
    page = int.from_bytes(header[16:18], "big")
    expected = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    return header.startswith(b"SQLite format 3\0") and size < expected


def _journal_size(path: Path) -> int:
    try:
        return os.stat(f"{path}-wal").st_size
    except OSError:
        return 0


def connect(address: str) -> sqlite3.Connection:
    """Open a connection that commits each statement outside of transactions."""
    connection = sqlite3.connect(
        address,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=PATIENCE,
        factory=Connection,
    )
    try:
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def address_of(path: Path) -> str:
    """The URI of a file for SQLite, without options."""
    # These have a meaning in URIs; importing `urllib` would make a read command a tenth slower.
    return "file:" + str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def connect_existing(path: Path) -> sqlite3.Connection:
    """Open a connection to an existing file, read-only if its folder is.

    Raises:
        LogUnavailable: It was in use when this process was forked.
    """
    _inherited.check(path)
    address = address_of(path)
    connection = None
    try:
        connection = connect(f"{address}?mode=rw")
        connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        if connection:
            connection.close()
        # In a read-only folder SQLite cannot create the journal that readers share. Nobody can
        # write there, the file can be read without it.
        if isinstance(error, sqlite3.OperationalError) and not os.access(path.parent, os.W_OK):
            return connect(f"{address}?mode=ro&immutable=1")
        raise
    return connection
