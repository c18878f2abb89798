"""Opens SQLite files, and checks that they are complete."""

import os
import sqlite3
from pathlib import Path

PATIENCE = 10.0
"""Seconds to wait for the transaction of another process to end."""


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
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=PATIENCE
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
    """Open a connection to an existing file, read-only if its folder is."""
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
