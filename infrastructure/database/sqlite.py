"""One SQLite file, or memory: its connection, its transactions, and its failures in plain words."""

import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import LogUnavailable, ReadModelDamaged
from stackfold.infrastructure.database.protocol import Cursor, Fault, R, Wait, part
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.database.sqlite_file import (
    address_of,
    connect,
    connect_existing,
    cut_off,
)
from stackfold.infrastructure.system.forks import tell_when_forked

_POLL = 0.1
"""Seconds between two looks for new events."""

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
"""Columns of text that the log itself has."""


class SqliteDatabase:
    """A connection that threads take turns in.

    Reads see one state of the file each; a write takes the write lock before it reads anything,
    so that what it reads stays true until it commits.
    """

    aggregates = STACKFOLD_AGGREGATES
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
    url: str | None = None
    empty = False

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        """Use `open`, `create` or `in_memory` instead."""
        self.place = str(path) if path else "memory"
        self._path = path
        self._opened: sqlite3.Connection | None = connection
        self._defined: dict[str, Callable[[str], bool]] = {}
        self._turn = threading.RLock()
        tell_when_forked(self)
        self.outdated = False
        """Whether an older version made its read models, so that they must be rebuilt."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Connect to the file at `path`.

        Raises:
            LogUnavailable: It is missing, cannot be opened, or is not a log of this version.
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
        """Create an empty file at `path`, with a journal that lets readers go on during writes.

        Raises:
            LogUnavailable: It cannot be created.
        """
        with plain_words(str(path)):
            _create(path)
            connection = connect(f"{address_of(path)}?mode=rw")
            connection.execute("PRAGMA journal_mode=WAL")
        return cls(path, connection)

    @classmethod
    def in_memory(cls) -> Self:
        """A new, empty database that lives as long as its connection."""
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
                raise explained(error, self.place) from error

    def define(self, name: str, function: Callable[[str], bool]) -> None:
        """Let statements of this connection call a function of one text by a name."""
        with self._turn:
            self._defined[name] = function
            self._connection.create_function(name, 1, function)

    def forked(self) -> None:
        """Be ready, in a forked process, to connect anew; what is in memory is its own by now."""
        self._turn = threading.RLock()  # another thread may have held it
        if self._path is not None:
            # Not even to be closed here: that would let go of locks of the process before.
            _inherited.append(self._opened)
            self._opened = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = connect_existing(Path(self.place))
            for name, function in self._defined.items():
                self._opened.create_function(name, 1, function)
        return self._opened

    @contextmanager
    def write(self, keep: bool = True) -> Iterator[sqlite3.Cursor]:
        """Everything in the block is committed as one transaction, or nothing is.

        In the block of another `write` it is a part of that one.

        Args:
            keep: False to roll everything back at the end, as a preview.

        Raises:
            LogUnavailable: The file cannot be written.
        """
        with self._turn, plain_words(self.place):
            connection = self._connection
            cursor = connection.cursor()
            if connection.in_transaction:
                with part(cursor, keep):
                    yield cursor
                return
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                # A failed COMMIT, on a full disk, may have ended the transaction already.
                if connection.in_transaction:
                    connection.rollback()
                raise

    @contextmanager
    def look(self) -> Iterator[sqlite3.Cursor]:
        """One state of the file for the whole block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Raises:
            LogUnavailable: The file cannot be read.
        """
        with self._turn, plain_words(self.place):
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
        """The same database on a connection of its own, so that other threads do not wait.

        In the block of a `write` or `look` of this thread it is this very one. What is in memory
        has one connection only; for reading it is copied.
        """
        with self._turn:
            if self._connection.in_transaction or (self._path is None and not reading):
                connection = None
            elif self._path is None:
                connection = connect(":memory:")
                self._connection.backup(connection)
            else:
                with plain_words(self.place):
                    connection = connect_existing(self._path)
        if connection is None:
            yield self
            return
        other = type(self)(self._path, connection)
        other.place, other.outdated = self.place, self.outdated
        try:
            yield other
        finally:
            other.close()

    def consistently(self, read: Callable[[], R]) -> R:
        """What `read` returns, in the block of a `look`."""
        with self.look():
            return read()

    def prepare(self, cursor: Cursor) -> None:
        """Nothing is needed."""

    def version(self, cursor: Cursor) -> int:
        """Which form its tables have; 0 where there are none."""
        ((version,),) = cursor.execute("PRAGMA user_version")
        return int(version)

    def stamp(self, cursor: Cursor) -> None:
        """Note that its tables have the form of this version."""
        cursor.execute(f"PRAGMA user_version = {SCHEMA}")

    def by_table(self, cursor: Cursor) -> str:
        """What must stand behind a table's name, so that no index is used to read it."""
        return " NOT INDEXED"

    def lying_index(self) -> Fault | None:
        """What an index of the events tells otherwise than the table of events does.

        Raises:
            LogUnavailable: The table itself cannot be read.
        """
        from stackfold.infrastructure.database import sqlite_integrity

        with self._anew() as connection:
            return sqlite_integrity.lying_index(connection)

    def damage(self) -> Fault | None:
        """What the database's own check finds."""
        from stackfold.infrastructure.database import sqlite_integrity

        with self._anew() as connection:
            return sqlite_integrity.damage(connection)

    def missing(self) -> Fault | None:
        """What of the log's indexes and triggers is not there, or is not what it should be."""
        from stackfold.infrastructure.database import sqlite_integrity

        with self._anew() as connection:
            return sqlite_integrity.missing(connection)

    def fix(self, cursor: Cursor) -> None:
        """Make the indexes and triggers of the events anew."""
        from stackfold.infrastructure.database import sqlite_integrity

        sqlite_integrity.fix(self._connection)

    @contextmanager
    def _anew(self) -> Iterator[sqlite3.Connection]:
        """A connection that has read nothing of the file yet, and that nobody waits for."""
        if self._path is None:
            with self._turn:
                yield self._connection
            return
        with plain_words(self.place):
            connection = connect_existing(self._path)
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def new_events(self) -> Iterator[Wait]:
        """What waits for a moment: a file tells nobody that it has changed."""
        yield lambda seconds: time.sleep(min(seconds, _POLL))

    def close(self) -> None:
        """Close the connection; the last one to leave a file tidies up its journal."""
        with self._turn:
            if self._opened is not None:
                self._opened.close()


_inherited: list[sqlite3.Connection | None] = []
"""Connections of the process that this one was forked from."""


class plain_words:
    """Turns whatever SQLite raises in the block into a LogUnavailable that says what to do."""

    # Not a generator: it stands around every statement, and costs a tenth this way.
    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate an error of SQLite, except a violated constraint."""
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise explained(error, self._place) from error


def explained(error: sqlite3.Error, place: str) -> LogUnavailable | ReadModelDamaged:
    """The error that says what to do about an error of SQLite."""
    text = str(error).lower()
    damaged = re.search(r"no such table: (?:main\.)?(\w+)|utf-8 column '(\w+)'", text)
    if damaged and damaged[1] != "events" and damaged[2] not in _OF_EVENTS:
        return ReadModelDamaged("a read model is missing or damaged")
    known = (words for sign, words in _PROBLEMS if sign in text)
    return LogUnavailable(place, next(known, f"failed: {error}"))


def _create(path: Path) -> None:
    from stackfold.infrastructure.system.private_files import create_file

    try:
        os.close(
            create_file(path, exclusive=False)
        )  # SQLite's own files beside it get the same mode
    except OSError as error:
        problem = f"cannot be created: {error.strerror}; set STACKFOLD_HOME to another folder"
        raise LogUnavailable(str(path), problem) from error
