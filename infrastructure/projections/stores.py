"""Databases for the tables and checkpoints of projections, each with exclusive transactions."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

from stackfold.application.eventsourcing.custom_projection import Execute
from stackfold.domain.errors import Invalid, Unavailable
from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    import psycopg

_OPEN_TRANSACTION = (
    "the connection for a projection is in a transaction: commit it first, and use no connection "
    "that opens transactions by itself"
)
_SUBJECT = "the database of the projection"
_LOCK_PROJECTION = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"
_PATIENCE = 10.0
"""Seconds to wait for the transaction of another process to end."""


class ProjectionStore(Protocol):
    """A database that holds the tables and checkpoints of projections."""

    find_table: str
    """A SELECT that yields a row if there is a table of the name that is its parameter."""
    lock_tables: str
    """A statement after which no other transaction creates the table of checkpoints."""

    def transaction(self, name: str) -> AbstractContextManager[Execute]:
        """Commit everything in the block as one transaction, or nothing.

        Args:
            name: A projection; no other transaction for it goes on at the same time.
        """
        ...

    def close(self) -> None:
        """Close the connection if it was opened by the store."""
        ...


_IN_SQLITE = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
_IN_POSTGRES = (
    "SELECT 1 FROM pg_tables WHERE tablename = ? AND schemaname = ANY (current_schemas(false))"
)


class LogStore:
    """The database of the log itself, without access to the tables of Stackfold."""

    lock_tables = "SELECT 1"  # the write lock was acquired

    def __init__(self, database: Database) -> None:
        """Use the database of the log."""
        self._database = database
        self.find_table = _IN_POSTGRES if database.shared else _IN_SQLITE

    @contextmanager
    def transaction(self, name: str) -> Iterator[Execute]:
        """A transaction under the write lock, or a part of the current one."""
        with self._database.write():
            yield self._database.execute_own

    def close(self) -> None:
        """Do nothing: the workspace closes the database."""


class SqliteStore:
    """A database in SQLite that belongs to the program."""

    find_table = _IN_SQLITE
    lock_tables = "SELECT 1"  # the write lock was acquired

    def __init__(self, connection: sqlite3.Connection, owned: bool = False) -> None:
        """Use a connection.

        Args:
            connection: A connection that is in no transaction.
            owned: Whether to close it at the end.
        """
        self._connection = connection
        self._owned = owned

    @contextmanager
    def transaction(self, name: str) -> Iterator[Execute]:
        """A transaction that acquires the write lock first.

        Raises:
            Invalid: The connection is in a transaction.
        """
        connection = self._connection
        if connection.in_transaction:
            raise Invalid(_OPEN_TRANSACTION)

        def execute(statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
            cursor = connection.cursor()
            cursor.row_factory = None
            return cursor.execute(statement, parameters).fetchall()

        try:
            execute("BEGIN IMMEDIATE")
            yield execute
            execute("COMMIT")
        except sqlite3.Error as error:
            raise Unavailable(_SUBJECT, str(error)) from error
        finally:
            if connection.in_transaction:
                connection.rollback()

    def close(self) -> None:
        """Close the connection if it was opened by the store."""
        if self._owned:
            self._connection.close()


class PostgresStore:
    """A database in PostgreSQL that belongs to the program."""

    find_table = _IN_POSTGRES
    lock_tables = "SELECT pg_advisory_xact_lock(hashtextextended('stackfold', 0))"

    def __init__(self, connection: "psycopg.Connection[Any]", owned: bool = False) -> None:
        """Use a connection.

        Args:
            connection: A connection that is in no transaction.
            owned: Whether to close it at the end.
        """
        self._connection = connection
        self._owned = owned

    @contextmanager
    def transaction(self, name: str) -> Iterator[Execute]:
        """A transaction under an advisory lock for the projection.

        Raises:
            Invalid: The connection is in a transaction.
        """
        from psycopg import Error
        from psycopg.pq import TransactionStatus
        from psycopg.rows import tuple_row

        from stackfold.infrastructure.database.postgres_connection import TranslatingCursor

        connection = self._connection
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            raise Invalid(_OPEN_TRANSACTION)

        def execute(statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
            cursor = TranslatingCursor(connection, row_factory=tuple_row)
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

        try:
            with connection.transaction():
                execute(_LOCK_PROJECTION, [f"stackfold {name}"])
                yield execute
        except Error as error:
            raise Unavailable(_SUBJECT, " ".join(str(error).split())) from error

    def close(self) -> None:
        """Close the connection if it was opened by the store."""
        if self._owned:
            self._connection.close()


def store_for(into: object, database: Database) -> ProjectionStore:
    """The store that a caller means.

    Args:
        into: A connection of sqlite3 or psycopg, the path of an SQLite file, an address
            "postgresql://…", or None for the database of the log.
        database: Holds the log.

    Raises:
        Invalid: It is something else.
        Unavailable: The database cannot be opened.
    """
    if into is None:
        return LogStore(database)
    if isinstance(into, sqlite3.Connection):
        return SqliteStore(into)
    if isinstance(into, str) and into.startswith(("postgresql://", "postgres://")):
        return _connected(into)
    if isinstance(into, str | os.PathLike):
        return _opened(into)
    if _is_psycopg(into):
        return PostgresStore(into)
    raise Invalid(
        f"a projection cannot store rows in {into!r:.100}: give a connection of sqlite3 or "
        "psycopg, a path, or an address postgresql://…"
    )


def _is_psycopg(into: object) -> "TypeGuard[psycopg.Connection[Any]]":
    if not type(into).__module__.startswith("psycopg"):
        return False
    import psycopg

    return isinstance(into, psycopg.Connection)


def _opened(path: str | os.PathLike[str]) -> SqliteStore:
    connection = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE)
        _write_ahead(connection)
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            # After a power failure the last batches may be missing, with their checkpoints.
            connection.execute("PRAGMA synchronous = NORMAL")
    except (sqlite3.Error, ValueError) as error:
        if connection:
            connection.close()
        raise Unavailable(f"the database {os.fspath(path)!r:.200}", str(error)) from error
    return SqliteStore(connection, owned=True)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let an empty database write ahead, unless another process does so."""
    end = time.monotonic() + _PATIENCE
    while not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            # SQLite does not wait by itself for others that change the mode, too.
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def _connected(address: str) -> PostgresStore:
    import psycopg

    try:
        return PostgresStore(psycopg.connect(address, autocommit=True), owned=True)
    except psycopg.Error as error:
        problem = " ".join(str(error).split())
        raise Unavailable(_SUBJECT, problem) from error
