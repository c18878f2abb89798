"""A log in an SQLite file or in memory: connection, transactions and error messages."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Self

from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.domain.errors import (
    ForkedInTransaction,
    LogUnavailable,
    StatementFailed,
)
from stackfold.infrastructure.database.protocol import Cursor, Fault, NewEvents, R, nested_write
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.database.sqlite_errors import explained, plain_words
from stackfold.infrastructure.database.sqlite_expiry import expiring
from stackfold.infrastructure.database.sqlite_file import (
    address_of,
    connect,
    connect_existing,
    cut_off,
)
from stackfold.infrastructure.database.turn import Turn
from stackfold.infrastructure.system.aggregate_packages import INSTALLED_AGGREGATES
from stackfold.infrastructure.system.forks import notify_after_fork

_FORK_PATIENCE = 5.0
"""Seconds that a fork waits for the transaction of another thread."""

_TOO_NEW = "was written by a newer Stackfold: upgrade"


class SqliteDatabase:
    """A connection that threads share in turns.

    Each read sees one state of the file. A write acquires the write lock before it reads, so that
    what it reads stays true until it commits.
    """

    aggregates = INSTALLED_AGGREGATES
    main, temp = "main", "temp"
    drops_unseen = True
    clock = "NULL"
    append_only: Sequence[str] = (
        "CREATE TRIGGER events_stay BEFORE DELETE ON events "
        "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
        "CREATE TRIGGER events_stay_as_they_are BEFORE UPDATE ON events "
        "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
    )
    conflict: type[Exception] = sqlite3.IntegrityError
    shared = False
    role: str | None = None
    url: str | None = None
    empty = False

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        """Use `open`, `create` or `in_memory` instead of this.

        Args:
            path: The file; None for memory.
            connection: A connection to it.
        """
        self.location = str(path) if path else "memory"
        self._path = path
        self._opened: sqlite3.Connection | None = connection
        self._defined: dict[str, Callable[[str], bool]] = {}
        self._turn = Turn()
        self._keeps = self._closed = False
        """Whether its connection has temporary tables; whether it was closed."""
        notify_after_fork(self)
        self.outdated = False
        """Whether the read models have an older schema version, so that they must be rebuilt."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Connect to the file at `path`.

        Raises:
            LogUnavailable: The file is missing, cannot be opened, or is not a log of this version.
        """
        with plain_words(str(path)):
            if not os.path.exists(path):
                raise LogUnavailable(str(path), "is missing: restore it from a backup")
            if path.stat().st_size == 0:
                raise LogUnavailable(str(path), "is empty: restore it from a backup")
            if cut_off(path):
                raise LogUnavailable(str(path), "was cut off: restore it from a backup")
            database = cls(path, connect_existing(path))
        try:
            ((schema,),) = database.read("PRAGMA user_version")
            if schema > SCHEMA:
                raise LogUnavailable(str(path), _TOO_NEW)
            if schema == 0:
                raise LogUnavailable(str(path), "is not a Stackfold log: move it away")
        except LogUnavailable:
            database.close()
            raise
        database.outdated = schema < SCHEMA
        return database

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create an empty file at `path`, with a journal that lets readers continue during writes.

        Raises:
            LogUnavailable: The file cannot be created.
        """
        with plain_words(str(path)):
            _create(path)
            connection = connect(f"{address_of(path)}?mode=rw")
            connection.execute("PRAGMA journal_mode=WAL")
        return cls(path, connection)

    @classmethod
    def in_memory(cls) -> Self:
        """Create an empty database that exists as long as its connection."""
        return cls(None, connect(":memory:"))

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows that a SELECT yields, as tuples.

        Raises:
            LogUnavailable: The file cannot be read.
        """
        with self._turn:
            try:
                connection = self._opened or self._connection
                return connection.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise explained(error, self.location) from error

    def define(self, name: str, function: Callable[[str], bool]) -> None:
        """Make a function of one text available to the statements of this connection."""
        with self._turn:
            self._defined[name] = function
            self._connection.create_function(name, 1, function)

    def before_fork(self, until_forked: ExitStack) -> None:
        """Close the connection, unless it is in a transaction; it is opened again when needed."""
        if self._path is None or not self._turn.taken_within(_FORK_PATIENCE):
            return
        until_forked.callback(self._turn.release)
        opened, in_unit = self._opened, self._turn.unit is not None
        if opened is None or self._closed or self._keeps or in_unit or opened.in_transaction:
            return
        self._opened = None
        opened.close()

    def after_fork(self) -> None:
        """In a forked process, prepare to open a new connection."""
        self._turn = Turn()  # another thread may have acquired it
        self._opened = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            if self._closed:
                raise self._is_closed()
            if self._path is None:
                raise LogUnavailable(
                    self.location,
                    "belongs to the process that created it, not to one that was forked from it: "
                    "create it after the fork, or use a file",
                )
            self._opened = connect_existing(self._path)
            for name, function in self._defined.items():
                self._opened.create_function(name, 1, function)
        return self._opened

    @contextmanager
    def write(self, keep: bool = True) -> Iterator[sqlite3.Cursor]:
        """Commit everything in the block as one transaction, or nothing.

        In the block of another `write` it is part of that transaction.

        Args:
            keep: False to roll everything back at the end, as a preview.

        Raises:
            LogUnavailable: The file cannot be written.
        """
        with self._turn, plain_words(self.location):
            connection = self._connection
            cursor = connection.cursor()
            if connection.in_transaction:
                with nested_write(cursor, keep, lambda: self._require_same(connection)):
                    yield cursor
                return
            cursor.execute("BEGIN IMMEDIATE")
            try:
                if self.version(cursor) > SCHEMA:  # another process upgraded it since
                    raise LogUnavailable(self.location, _TOO_NEW)
                yield cursor
                self._require_same(connection)
                cursor.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                # A COMMIT that failed on a full disk may have ended the transaction already.
                if self._opened is connection and connection.in_transaction:
                    connection.rollback()
                raise

    def _require_same(self, connection: sqlite3.Connection) -> None:
        """Raise if the database was closed, or this process forked, in a block."""
        if self._closed:
            raise self._is_closed()
        if self._opened is not connection:
            raise ForkedInTransaction

    def _is_closed(self) -> LogUnavailable:
        return LogUnavailable(self.location, "is closed")

    def execute_own(
        self, statement: str, parameters: Sequence[Any], reading: bool = False
    ) -> list[tuple[Any, ...]]:
        """Execute a statement on tables of a program; SQLite says which tables it uses."""
        from stackfold.infrastructure.database import own_tables

        own_tables.require_statement(statement, reading)
        tables = own_tables.tables_of_stackfold(self)
        with self.look() if reading else self.write() as cursor:
            try:
                with own_tables.guarded(self._connection, tables, reading):
                    return own_tables.rows_of(cursor.execute(statement, parameters))
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise StatementFailed(str(error)) from error

    @contextmanager
    def reserved(self, unit: UnitOfWork) -> Iterator[None]:
        """As `Database.reserved`; the transaction of a block that hangs is rolled back."""
        with self._turn.reserved(unit), expiring(self._connection, unit):
            yield

    @contextmanager
    def look(self, keep: bool = False) -> Iterator[sqlite3.Cursor]:
        """Read one state of the file throughout the block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Args:
            keep: Whether temporary tables are kept after the block.

        Raises:
            LogUnavailable: The file cannot be read.
        """
        with self._turn, plain_words(self.location):
            connection = self._connection
            cursor = connection.cursor()
            if connection.in_transaction:
                yield cursor
                return
            cursor.execute("BEGIN")
            self._keeps = self._keeps or keep
            try:
                yield cursor
                self._require_same(connection)
                if keep:
                    cursor.execute("COMMIT")
            finally:
                if self._opened is connection and connection.in_transaction:
                    cursor.execute("ROLLBACK")

    @contextmanager
    def apart(self, reading: bool = False) -> Iterator[Self]:
        """Yield the same database on a separate connection, so that other threads do not wait.

        In the block of a `write` or `look` of this thread it yields this database. A database in
        memory has one connection only; it is copied for reading.
        """
        with self._turn:
            if self._connection.in_transaction or (self._path is None and not reading):
                connection = None
            elif self._path is None:
                connection = connect(":memory:")
                self._connection.backup(connection)
            else:
                with plain_words(self.location):
                    connection = connect_existing(self._path)
        if connection is None:
            yield self
            return
        other = type(self)(self._path, connection)
        other.location, other.outdated = self.location, self.outdated
        other.aggregates = self.aggregates
        try:
            yield other
        finally:
            other.close()

    def consistently(self, read: Callable[[], R]) -> R:
        """Call `read` while one state of the file is read, as in the block of a `look`."""
        # Not by `look`: a generator takes longer than a short query.
        with self._turn, plain_words(self.location):
            connection = self._connection
            if connection.in_transaction:
                return read()
            connection.execute("BEGIN")
            try:
                return read()
            finally:
                connection.rollback()

    def prepare(self, cursor: Cursor) -> None:
        """Do nothing: the tables need nothing."""

    def version(self, cursor: Cursor) -> int:
        """The schema version of the tables; 0 if there are none."""
        ((version,),) = cursor.execute("PRAGMA user_version")
        return int(version)

    def stamp(self, cursor: Cursor) -> None:
        """Record that the tables have the current schema version."""
        cursor.execute(f"PRAGMA user_version = {SCHEMA}")

    def by_table(self, cursor: Cursor) -> str:
        """SQL to append to the name of a table, so that no index is used to read it."""
        return " NOT INDEXED"

    def lying_index(self) -> Fault | None:
        """The first index of the events that differs from the table; None if none does.

        Raises:
            LogUnavailable: The table itself cannot be read.
        """
        from stackfold.infrastructure.database import sqlite_integrity

        with self._fresh() as connection:
            return sqlite_integrity.lying_index(connection)

    def damage(self) -> Fault | None:
        """The first fault that SQLite's integrity check finds; None if it finds none."""
        from stackfold.infrastructure.database import sqlite_integrity

        with self._fresh() as connection:
            return sqlite_integrity.damage(connection)

    def missing(self) -> Fault | None:
        """The first index or trigger that is missing or differs from its definition."""
        from stackfold.infrastructure.database import sqlite_integrity

        with self._fresh() as connection:
            return sqlite_integrity.missing(connection)

    def repair(self, cursor: Cursor) -> None:
        """Recreate damaged indexes and triggers of the events."""
        from stackfold.infrastructure.database import sqlite_integrity

        sqlite_integrity.repair(self._connection)

    @contextmanager
    def _fresh(self) -> Iterator[sqlite3.Connection]:
        """Yield a new connection, without cached pages, that no other thread waits for."""
        if self._path is None:
            with self._turn:
                yield self._connection
            return
        with plain_words(self.location):
            connection = connect_existing(self._path)
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def new_events(self) -> Iterator[NewEvents]:
        """Notice new events by polling, since a file does not notify of changes."""
        from stackfold.infrastructure.database.sqlite_changes import (
            CommitsOfOthers,
            SqliteChanges,
            changed_rows,
        )

        if self._path is None:
            yield SqliteChanges(changed_rows(self._connection))
            return
        with plain_words(self.location), closing(CommitsOfOthers(self._path)) as commits:
            yield SqliteChanges(commits)

    def close(self) -> None:
        """Close the connection; the last one of a file deletes its journal."""
        with self._turn:
            opened, self._opened, self._closed = self._opened, None, True
            if opened is not None:
                opened.close()


def _create(path: Path) -> None:
    from stackfold.infrastructure.system.private_files import create_file

    try:
        os.close(
            create_file(path, exclusive=False)
        )  # SQLite's own files beside it get the same mode
    except OSError as error:
        problem = f"cannot be created: {error.strerror}; set STACKFOLD_HOME to another folder"
        raise LogUnavailable(str(path), problem) from error
