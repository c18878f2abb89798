"""A session with PostgreSQL: transactions, and recovery from a lost connection."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from stackfold.domain.errors import (
    ForkedInTransaction,
    LogUnavailable,
    ReadInterrupted,
    ReadModelDamaged,
    StackfoldError,
    StatementFailed,
    WriteInterrupted,
)
from stackfold.infrastructure.database.postgres_connection import (
    ARRIVAL,
    RETURN,
    Connection,
    at_once,
    connect,
    control,
    has_access,
    keep_inherited,
)
from stackfold.infrastructure.database.postgres_errors import (
    no_access,
    read_model_missing,
    statement_error,
)
from stackfold.infrastructure.database.postgres_schema import LogSchema
from stackfold.infrastructure.database.protocol import Cursor, R, nested_write
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.system.database_url import DatabaseUrl

# Under the lock each statement must see the latest commit, hence READ COMMITTED.
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({lock})"
_FORM = "; SELECT max(form) FROM version"
# Not READ ONLY, which forbids temporary tables.
_LOOK = b"BEGIN ISOLATION LEVEL REPEATABLE READ"

_OPEN = {psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR}


@dataclass
class SharedLog:
    """What the sessions with one log share."""

    address: DatabaseUrl
    schema: LogSchema
    empty: bool = False
    """Whether the schema has no log yet."""
    closed: bool = False
    """Whether no session connects again."""

    @property
    def location(self) -> str:
        """The database, as messages show it."""
        return self.address.location

    def too_new(self) -> LogUnavailable:
        """The error for a log that a newer version wrote."""
        return LogUnavailable(self.location, "was written by a newer Stackfold: upgrade")


class PostgresSession:
    """A connection for one thread at a time; a lost one is opened again for the next use."""

    conflict: type[Exception] = psycopg.IntegrityError

    def __init__(self, log: SharedLog, connection: Connection | None = None) -> None:
        """Create a session.

        Args:
            log: The log.
            connection: A connection to it; None to connect on first use.
        """
        self._log = log
        self._opened = connection
        self._inside = self._writing = self._committing = False
        self.forked = False
        """Whether this process was forked while the session was in use."""
        self.used = 0.0
        """When it was last used, in seconds of the monotonic clock."""

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """As `Database.read`."""
        try:
            return self.rows(statement, parameters)
        except psycopg.Error as error:
            raise self._explained(error) from error

    def rows(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows that a SELECT yields; it is executed again if the connection was lost.

        Raises:
            psycopg.Error: The server rejects it.
        """
        for again in (True, False):
            try:
                # A TranslatingCursor takes any string.
                cursor = self._connection.execute(statement, parameters)  # pyright: ignore[reportArgumentType]
                return cursor.fetchall()
            except psycopg.Error as error:
                if not self._connection.closed:
                    raise
                if self._writing:
                    raise WriteInterrupted(self._log.location, committing=False) from error
                if self._inside or not again:
                    # The whole block must be repeated, which only the caller can do.
                    raise ReadInterrupted(self._log.location) from error
            self._reconnect()
        raise AssertionError

    @contextmanager
    def write(self, keep: bool = True) -> Iterator[Cursor]:
        """As `Database.write`."""
        if self._inside:
            cursor = self.cursor()
            with nested_write(cursor, keep, self._require_own_process):
                yield cursor
            return
        begin = _WRITE.format(lock=self._log.schema.write_lock)
        empty = self._log.empty
        with self._transaction(begin if empty else begin + _FORM, writing=True) as begun:
            row = begun.fetchone() if begun and not empty else None
            if row and row[0] > SCHEMA:
                raise self._log.too_new()
            yield self.cursor()
            self._committing = keep
            # After an error that the block suppressed, COMMIT rolls back.
            if keep and control(self._connection, "COMMIT").statusmessage != "COMMIT":
                raise LogUnavailable(self._log.location, "failed: nothing was recorded")

    def execute_own(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """As `Database.execute_own`; tables of programs are found by their own search path."""
        with self.write():
            return self._execute_own(statement, parameters)

    def read_own(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """As `Database.execute_own` for a statement that only reads."""
        if self._writing:
            with self.write():  # recovers from a statement that fails
                return self._execute_own(statement, parameters, reading=True)
        return self.consistently(lambda: self._execute_own(statement, parameters, reading=True))

    def _execute_own(
        self, statement: str, parameters: Sequence[Any], reading: bool = False
    ) -> list[tuple[Any, ...]]:
        from stackfold.infrastructure.database import own_tables

        schema = self._log.schema
        own_tables.require_statement(statement, reading)
        own_tables.require_other_schema(statement, schema.name)
        cursor: Any = self._connection.cursor()
        try:
            if reading and not self._writing:
                cursor.execute("SET LOCAL transaction_read_only TO on")
            cursor.execute(schema.own_search_path)
            # The protocol of binary results allows a single statement only.
            rows = own_tables.rows_of(cursor.execute(statement, parameters, binary=True))
            cursor.execute(f"SET LOCAL search_path TO {schema.quoted}")
        except psycopg.Error as error:
            if self._connection.closed:
                raise
            raise StatementFailed(error.diag.message_primary or str(error)) from error
        return rows

    def limit_idle_time(self, seconds: float) -> None:
        """Let the server end the transaction of a program that hangs for some seconds."""
        milliseconds = int(min(seconds, 60.0) * 1000) + 1
        control(
            self._connection, f"SET LOCAL idle_in_transaction_session_timeout TO {milliseconds}"
        )

    @contextmanager
    def look(self, keep: bool = False) -> Iterator[Cursor]:
        """As `Database.look`."""
        if self._inside:
            yield self.cursor()
            return
        with self._transaction(_LOOK):
            yield self.cursor()
            if keep:
                at_once(self._connection, b"COMMIT")

    def consistently(self, read: Callable[[], R]) -> R:
        """As `Database.consistently`."""
        if self._inside:
            return read()
        with suppress(ReadInterrupted), self.look():
            return read()
        with self.look():
            return read()

    @property
    def role(self) -> str | None:
        """The role that the server authenticated, as it reported on connecting."""
        info = self._connection.info
        # A pooler does not pass the parameter on.
        return info.parameter_status("session_authorization") or info.user

    def cursor(self) -> Cursor:
        """A cursor of the connection."""
        # A TranslatingCursor takes any string.
        return self._connection.cursor()  # pyright: ignore[reportReturnType]

    def close(self) -> None:
        """Close the connection."""
        if self._opened is not None:
            self._opened.close()

    def after_fork(self) -> None:
        """In a forked process, do not use the connection of the parent process again."""
        keep_inherited(self._opened)
        self._opened = None
        self.forked = True

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            self._require_own_process()
            self._require_open()
            self._opened = connect(self._log.address, ARRIVAL)
        return self._opened

    def _require_own_process(self) -> None:
        if self.forked:
            raise ForkedInTransaction

    def _require_open(self) -> None:
        if self._log.closed:
            raise LogUnavailable(self._log.location, "is closed")

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
            opened = self._opened  # None in a process that was forked in the block
            with suppress(psycopg.Error):
                if opened is not None and opened.pgconn.transaction_status in _OPEN:
                    at_once(opened, b"ROLLBACK")

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
                    raise statement_error(self._log.location, error) from error
                if not again:
                    raise self._lost() from error
            self._reconnect()
        raise AssertionError

    def _reconnect(self) -> None:
        self._require_open()
        self._connection.close()
        self._opened = connect(self._log.address, RETURN)

    def _lost(self) -> LogUnavailable:
        if self._writing:
            return WriteInterrupted(self._log.location, committing=self._committing)
        return ReadInterrupted(self._log.location)

    def _explained(self, error: psycopg.Error) -> StackfoldError:
        log = self._log
        if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
            # To a user without rights to the schema, the server says that the table is missing.
            if not has_access(log.address):
                return no_access(log.location, log.schema.name)
            if read_model_missing(error):
                return ReadModelDamaged("a read model is missing")
        return statement_error(log.location, error)
