"""A log in an SQLite file or in memory: connection, transactions and error messages."""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Self

from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.domain.errors import LogUnavailable, ReadModelDamaged, StatementFailed
from stackfold.infrastructure.database.protocol import Cursor, Fault, NewEvents, R, nested_write
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.database.sqlite_file import (
    address_of,
    connect,
    connect_existing,
    cut_off,
)
from stackfold.infrastructure.database.turn import Turn
from stackfold.infrastructure.system.aggregate_packages import INSTALLED_AGGREGATES
from stackfold.infrastructure.system.forks import notify_after_fork

_PROBLEMS = (
    ("locked", "is locked by another process: try again when that has ended"),
    ("busy", "is locked by another process: try again when that has ended"),
    ("readonly", "is read-only: make it writable or set STACKFOLD_HOME to another folder"),
    ("unable to open", "cannot be opened: check that the folder exists and is writable"),
    ("full", "cannot grow, the disk is full: free some space and try again"),
    ("disk i/o", "cannot be read or written, the disk reports an error: check the disk"),
    ("not a database", "is not a Stackfold log: restore it from a backup or move it away"),
    ("malformed", "is damaged: copy it with `stackfold log fork`, or restore it from a backup"),
    ("no such table", "is damaged: restore it from a backup or move it away"),
    ("no such column", "is damaged: restore it from a backup or move it away"),
)


_OF_EVENTS = {"recorded_at", "originator_id", "topic"}
"""The columns of the events that hold text."""


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
                raise LogUnavailable(str(path), "was written by a newer Stackfold: upgrade")
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

    def after_fork(self) -> None:
        """In a forked process, prepare to open a new connection, unless the log is in memory."""
        self._turn = Turn()  # another thread may have acquired it
        if self._path is not None:
            # Closing the connection here would release locks of the parent process.
            _inherited.append(self._opened)
            self._opened = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = connect_existing(Path(self.location))
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
                with nested_write(cursor, keep):
                    yield cursor
                return
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                # A COMMIT that failed on a full disk may have ended the transaction already.
                if connection.in_transaction:
                    connection.rollback()
                raise

    def execute_own(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Execute a statement on tables of a program; SQLite says which tables it uses."""
        from stackfold.infrastructure.database import own_tables, reaction_tables
        from stackfold.infrastructure.database.read_model_tables import ReadModelTables

        own_tables.require_statement(statement)
        tables = {"events", *reaction_tables.NAMES, *ReadModelTables(self.aggregates).names()}
        with self.write() as cursor:
            try:
                with own_tables.guarded(self._connection, tables):
                    return own_tables.rows_of(cursor.execute(statement, parameters))
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise StatementFailed(str(error)) from error

    def reserved(self, unit: UnitOfWork) -> AbstractContextManager[None]:
        """Let only the thread and task of a unit of work use the connection in the block."""
        return self._turn.reserved(unit)

    @contextmanager
    def look(self) -> Iterator[sqlite3.Cursor]:
        """Read one state of the file throughout the block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Raises:
            LogUnavailable: The file cannot be read.
        """
        with self._turn, plain_words(self.location):
            cursor = self._connection.cursor()
            if self._connection.in_transaction:
                yield cursor
                return
            cursor.execute("BEGIN")
            try:
                yield cursor
            finally:
                if self._connection.in_transaction:
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
        """Call `read` in the block of a `look`."""
        with self.look():
            return read()

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
            SqliteChanges,
            changed_rows,
            commits_of_others,
        )

        if self._path is None:
            yield SqliteChanges(changed_rows(self._connection))
            return
        with plain_words(self.location), closing(connect_existing(self._path)) as own:
            yield SqliteChanges(commits_of_others(own, self._path))

    def close(self) -> None:
        """Close the connection; the last one of a file deletes its journal."""
        with self._turn:
            if self._opened is not None:
                self._opened.close()


_inherited: list[sqlite3.Connection | None] = []
"""Connections that were opened by the process that this one was forked from."""


class plain_words:
    """Turns errors of SQLite in the block into errors that say what to do."""

    # Not a generator, which would take ten times as long around every transaction.
    def __init__(self, location: str) -> None:
        self._location = location

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate an error of SQLite, except a violated constraint."""
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise explained(error, self._location) from error


def explained(error: sqlite3.Error, location: str) -> LogUnavailable | ReadModelDamaged:
    """The error that says what to do about an error of SQLite."""
    text = str(error).lower()
    damaged = re.search(r"no such table: (?:main\.)?(\w+)|utf-8 column '(\w+)'", text)
    if damaged and damaged[1] != "events" and damaged[2] not in _OF_EVENTS:
        return ReadModelDamaged("a read model is missing or damaged")
    known = (words for sign, words in _PROBLEMS if sign in text)
    return LogUnavailable(location, next(known, f"failed: {error}"))


def _create(path: Path) -> None:
    from stackfold.infrastructure.system.private_files import create_file

    try:
        os.close(
            create_file(path, exclusive=False)
        )  # SQLite's own files beside it get the same mode
    except OSError as error:
        problem = f"cannot be created: {error.strerror}; set STACKFOLD_HOME to another folder"
        raise LogUnavailable(str(path), problem) from error
