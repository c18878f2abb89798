"""A log in PostgreSQL: connection, transactions, and recovery from lost connections."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Self

import psycopg

from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.domain.errors import (
    LogUnavailable,
    ReadInterrupted,
    ReadModelDamaged,
    StackfoldError,
    StatementFailed,
    WriteInterrupted,
)
from stackfold.infrastructure.database.postgres_checks import PostgresChecks
from stackfold.infrastructure.database.postgres_connection import (
    ARRIVAL,
    RETURN,
    Connection,
    at_once,
    connect,
    control,
    has_access,
)
from stackfold.infrastructure.database.postgres_errors import (
    no_access,
    read_model_missing,
    statement_error,
)
from stackfold.infrastructure.database.postgres_listener import Listener
from stackfold.infrastructure.database.postgres_schema import (
    APPEND_ONLY,
    BEFORE_TABLES,
    HAS_ACCESS,
    SCHEMA_NAME,
)
from stackfold.infrastructure.database.protocol import Cursor, NewEvents, R, nested_write
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.database.turn import Turn
from stackfold.infrastructure.system.aggregate_packages import INSTALLED_AGGREGATES
from stackfold.infrastructure.system.database_url import DatabaseUrl
from stackfold.infrastructure.system.forks import notify_after_fork

_LOCK = int.from_bytes(b"stackfol", "big")
"""The write lock. An advisory lock needs no rights to the tables and does not block readers."""

# Under the lock each statement must see the latest commit, hence READ COMMITTED.
_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_LOCK})"
_FORM = "; SELECT max(form) FROM version"
# Not READ ONLY, which forbids temporary tables; the transaction is rolled back.
_LOOK = b"BEGIN ISOLATION LEVEL REPEATABLE READ"

_OWN_SEARCH_PATH = (
    "SELECT set_config('search_path', reset_val, true) FROM pg_settings WHERE name = 'search_path'"
)

_OPEN = {psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR}


class PostgresDatabase(PostgresChecks):
    """A connection that threads share in turns; a lost one is opened again for the next use."""

    aggregates = INSTALLED_AGGREGATES
    main, temp = SCHEMA_NAME, "pg_temp"
    drops_unseen = False
    # Not the begin of the transaction, which waited for the write lock.
    clock = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    append_only: Sequence[str] = APPEND_ONLY
    conflict: type[Exception] = psycopg.IntegrityError
    shared = True

    def __init__(self, address: DatabaseUrl, connection: Connection) -> None:
        """Use `open` instead of this.

        Args:
            address: The address of the database.
            connection: A connection to it.
        """
        self.location = address.location
        self._address = address
        self.url: str | None = address.url
        self._opened: Connection | None = connection
        self._turn = Turn()
        self._inside = self._writing = self._committing = False
        self._closed = False
        notify_after_fork(self)
        self.outdated = False
        self.empty = False
        """Whether the database has no log yet."""

    @classmethod
    def open(cls, address: DatabaseUrl) -> Self:
        """Connect to the database at an address.

        Raises:
            LogUnavailable: The database cannot be reached, or its log has a newer version.
        """
        database = cls(address, connect(address, ARRIVAL))
        try:
            with database.look() as cursor:
                version = database.version(cursor)
            if version > SCHEMA:
                raise database._too_new()
        except BaseException:
            database.close()
            raise
        database.empty = version == 0
        database.outdated = 0 < version < SCHEMA
        return database

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows that a SELECT yields, as tuples.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        with self._turn:
            try:
                return self._read(statement, parameters)
            except psycopg.Error as error:
                raise self._explained(error) from error

    def define(self, name: str, function: Callable[[str], bool]) -> None:
        """Do nothing: the schema has these functions."""

    @contextmanager
    def write(self, keep: bool = True) -> Iterator[Cursor]:
        """Commit everything in the block as one transaction, or nothing.

        In the block of another `write` it is part of that transaction.

        Args:
            keep: False to roll everything back at the end, as a preview.

        Raises:
            LogUnavailable: The database cannot be written.
            WriteInterrupted: The connection was lost.
        """
        with self._turn:
            if self._inside:
                cursor = self._cursor()
                with nested_write(cursor, keep):
                    yield cursor
                return
            with self._transaction(_WRITE if self.empty else _WRITE + _FORM, writing=True) as begun:
                row = begun.fetchone() if begun and not self.empty else None
                if row and row[0] > SCHEMA:
                    raise self._too_new()
                yield self._cursor()
                self._committing = keep
                # After an error that the block suppressed, COMMIT rolls back.
                if keep and control(self._connection, "COMMIT").statusmessage != "COMMIT":
                    raise LogUnavailable(self.location, "failed: nothing was recorded")

    def execute_own(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Execute a statement on tables of a program, found by the user's own search path."""
        from stackfold.infrastructure.database import own_tables

        own_tables.require_statement(statement)
        own_tables.require_other_schema(statement, self.main)
        with self.write():
            cursor: Any = self._connection.cursor()
            try:
                cursor.execute(_OWN_SEARCH_PATH)
                # The protocol of binary results allows a single statement only.
                rows = own_tables.rows_of(cursor.execute(statement, parameters, binary=True))
                cursor.execute(f"SET LOCAL search_path TO {self.main}")
            except psycopg.Error as error:
                if self._connection.closed:
                    raise
                raise StatementFailed(error.diag.message_primary or str(error)) from error
            return rows

    @contextmanager
    def reserved(self, unit: UnitOfWork) -> Iterator[None]:
        """As `Database.reserved`; the server ends the transaction of a program that hangs."""
        with self._turn.reserved(unit):
            milliseconds = int(min(unit.remaining, 60.0) * 1000) + 1
            limit = f"SET LOCAL idle_in_transaction_session_timeout TO {milliseconds}"
            control(self._connection, limit)
            yield

    @contextmanager
    def look(self) -> Iterator[Cursor]:
        """Read one state throughout the block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        with self._turn:
            if self._inside:
                yield self._cursor()
                return
            with self._transaction(_LOOK):
                yield self._cursor()

    @contextmanager
    def apart(self, reading: bool = False) -> Iterator[Self]:
        """As `Database.apart`; yields this database if the server has no connection left."""
        with self._turn:
            inside = self._inside
        other = self
        if not inside:
            with suppress(LogUnavailable):
                other = type(self)(self._address, connect(self._address, ARRIVAL))
                other.outdated, other.empty = self.outdated, self.empty
                other.aggregates = self.aggregates
        try:
            yield other
        finally:
            if other is not self:
                other.close()

    def consistently(self, read: Callable[[], R]) -> R:
        """Call `read` in the block of a `look`, once more if the connection is lost.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        with self._turn:
            if self._inside:
                return read()
            with suppress(ReadInterrupted), self.look():
                return read()
            with self.look():
                return read()

    def prepare(self, cursor: Cursor) -> None:
        """Create the schema, and the functions that triggers and queries call."""
        ((encoding,),) = cursor.execute("SHOW server_encoding")
        if encoding != "UTF8":
            problem = f"has the encoding {encoding}: create a database with the encoding UTF8"
            raise LogUnavailable(self.location, problem)
        for statement in BEFORE_TABLES:
            cursor.execute(statement)

    def version(self, cursor: Cursor) -> int:
        """The schema version of the tables; 0 if there are none."""
        # Under the lock, `to_regclass` may return the cached answer of before the lock.
        ((found, accessible),) = cursor.execute(
            f"SELECT count(*), ({HAS_ACCESS}) FROM pg_tables "
            "WHERE schemaname = ? AND tablename = 'version'",
            [self.main],
        )
        if found and not accessible:
            raise no_access(self.location)
        if not found:
            return 0
        ((form,),) = cursor.execute("SELECT coalesce(max(form), 0) FROM version")
        return int(form)

    def stamp(self, cursor: Cursor) -> None:
        """Record that the tables have the current schema version."""
        cursor.execute("DELETE FROM version")
        cursor.execute("INSERT INTO version VALUES (?)", [SCHEMA])
        self.empty = False

    @contextmanager
    def new_events(self) -> Iterator[NewEvents]:
        """Notice new events by the notifications of the server."""
        with closing(Listener(self._address)) as listener:
            yield listener

    @contextmanager
    def another(self) -> Iterator[Connection]:
        """Open one more connection for the block, such as for a lock that ends with it.

        Raises:
            LogUnavailable: The connection cannot be opened.
        """
        with closing(connect(self._address, ARRIVAL)) as connection:
            yield connection

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._closed = True
            if self._opened is not None:
                self._opened.close()

    def after_fork(self) -> None:
        """In a forked process, prepare to open a new connection."""
        self._turn = Turn()  # another thread may have acquired it
        self._inside = self._writing = self._committing = False
        # Closing the connection here would end the session of the parent process.
        _inherited.append(self._opened)
        self._opened = None

    @property
    def role(self) -> str | None:
        """The role that the server authenticated, as it reported on connecting."""
        with self._turn:
            info = self._connection.info
            # A pooler does not pass the parameter on.
            return info.parameter_status("session_authorization") or info.user

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            if self._closed:
                raise LogUnavailable(self.location, "is closed")
            self._opened = connect(self._address, ARRIVAL)
        return self._opened

    def _read(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows that a SELECT yields; it is executed again if the connection was lost."""
        for again in (True, False):
            try:
                # A TranslatingCursor takes any string.
                cursor = self._connection.execute(statement, parameters)  # pyright: ignore[reportArgumentType]
                return cursor.fetchall()
            except psycopg.Error as error:
                if not self._connection.closed:
                    raise
                if self._writing:
                    raise WriteInterrupted(self.location, committing=False) from error
                if self._inside or not again:
                    # The whole block must be repeated, which only the caller can do.
                    raise ReadInterrupted(self.location) from error
            self._reconnect()
        raise AssertionError

    def _cursor(self) -> Cursor:
        # A TranslatingCursor takes any string.
        return self._connection.cursor()  # pyright: ignore[reportReturnType]

    @contextmanager
    def _transaction(
        self, begin: str | bytes, writing: bool = False
    ) -> Iterator[psycopg.Cursor[Any] | None]:
        begun = self._begin(begin)
        self._inside, self._writing = True, writing
        try:
            yield begun
        except psycopg.Error as error:
            if self._connection.closed:
                raise self._lost() from error
            if isinstance(error, self.conflict):
                raise
            raise self._explained(error) from error
        finally:
            self._inside = self._writing = self._committing = False
            with suppress(psycopg.Error):
                if self._connection.pgconn.transaction_status in _OPEN:
                    at_once(self._connection, b"ROLLBACK")

    def _begin(self, statements: str | bytes) -> psycopg.Cursor[Any] | None:
        for again in (True, False):
            try:
                if isinstance(statements, str):
                    return control(self._connection, statements)
                at_once(self._connection, statements)
                return None
            except psycopg.Error as error:
                if not self._connection.closed:
                    with suppress(psycopg.Error):
                        control(self._connection, "ROLLBACK")
                    raise statement_error(self.location, error) from error
                if not again:
                    raise self._lost() from error
            self._reconnect()
        raise AssertionError

    def _reconnect(self) -> None:
        if self._closed:
            raise LogUnavailable(self.location, "is closed")
        self._connection.close()
        self._opened = connect(self._address, RETURN)

    def _too_new(self) -> LogUnavailable:
        return LogUnavailable(self.location, "was written by a newer Stackfold: upgrade")

    def _lost(self) -> LogUnavailable:
        if self._writing:
            return WriteInterrupted(self.location, committing=self._committing)
        return ReadInterrupted(self.location)

    def _explained(self, error: psycopg.Error) -> StackfoldError:
        if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
            # To a user without rights to the schema, the server says that the table is missing.
            if not has_access(self._address):
                return no_access(self.location)
            if read_model_missing(error):
                return ReadModelDamaged("a read model is missing")
        return statement_error(self.location, error)


_inherited: list[Connection | None] = []
"""Connections that were opened by the process that this one was forked from."""
