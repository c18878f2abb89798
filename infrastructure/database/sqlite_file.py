"""Files of SQLite: connecting to them, and seeing whether one is whole."""

import os
import sqlite3
from pathlib import Path

PATIENCE = 10.0
"""Seconds to wait for another process's transaction to end."""


def cut_off(path: Path) -> bool:
    """Whether the file is shorter than it says; SQLite would read zeros for the missing end."""
    if not _seems_cut_off(path):
        return False
    # Another process may just be making it longer. While a connection reads, none does so without
    # the journal, which stays as long as there is a connection.
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
    """A connection that commits each statement, unless told otherwise."""
    connection = sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=PATIENCE
    )
    try:
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def address_of(path: Path) -> str:
    """A file as SQLite is told of it, without options."""
    # What SQLite would read otherwise; urllib's quote would cost a reading command a tenth more.
    return "file:" + str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def connect_existing(path: Path) -> sqlite3.Connection:
    """A connection to a file that is there; only for reading where its folder is."""
    address = address_of(path)
    connection = None
    try:
        connection = connect(f"{address}?mode=rw")
        connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        if connection:
            connection.close()
        # A folder that cannot be written has no room for the journal that readers share; nobody
        # writes there, so the file may be read as it lies.
        if isinstance(error, sqlite3.OperationalError) and not os.access(path.parent, os.W_OK):
            return connect(f"{address}?mode=ro&immutable=1")
        raise
    return connection
