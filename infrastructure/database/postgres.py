"""One PostgreSQL: its connection, its transactions, and what happens when it is lost."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import psycopg

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import (
    LogUnavailable,
    PermissionDenied,
    ReadInterrupted,
    ReadModelDamaged,
    StackfoldError,
    WriteInterrupted,
)
from stackfold.infrastructure.database.postgres_connection import (
    ARRIVAL,
    RETURN,
    Connection,
    at_once,
    connect,
    control,
    refusal,
)
from stackfold.infrastructure.database.postgres_listener import Listener
from stackfold.infrastructure.database.postgres_schema import (
    APPEND_ONLY,
    BEFORE_TABLES,
    SCHEMA_NAME,
)
from stackfold.infrastructure.database.protocol import (
    Cursor,
    Fault,
    R,
    Wait,
    part,
)
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.database.url import Address
from stackfold.infrastructure.system.forks import tell_when_forked

if TYPE_CHECKING:
    from stackfold.infrastructure.eventstore.read_model_tables import ReadModelTables

_LOCK = int.from_bytes(b"stackfol", "big")
"""The write lock, an advisory one: it needs no right to the tables, and hinders no reader."""

# Under the lock each statement must see what was committed just before, hence READ COMMITTED.
_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_LOCK})"
_FORM = "; SELECT max(form) FROM version"
# Not READ ONLY, which would forbid temporary tables; it is rolled back.
_LOOK = b"BEGIN ISOLATION LEVEL REPEATABLE READ"

_USABLE = (
    f"SELECT coalesce(bool_and(has_schema_privilege(oid, 'USAGE')), true) FROM pg_namespace "
    f"WHERE nspname = '{SCHEMA_NAME}'"
)

_OPEN = {psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR}


class PostgresDatabase:
    """A connection that threads take turns in, made anew where it was lost between two uses."""

    aggregates = STACKFOLD_AGGREGATES
    main, temp = SCHEMA_NAME, "pg_temp"
    drops_unseen = False
    # Not the time when the transaction began, which waited for the write lock.
    clock = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    append_only: Sequence[str] = APPEND_ONLY
    conflict: type[Exception] = psycopg.IntegrityError
    shared = True

    def __init__(self, address: Address, connection: Connection) -> None:
        """Use `open` instead."""
        self.place = address.place
        self._address = address
        self.url: str | None = address.url
        self._opened: Connection | None = connection
        self._turn = threading.RLock()
        self._inside = self._writing = self._committing = False
        self._closed = False
        tell_when_forked(self)
        self.outdated = False
        self.empty = False
        """Whether there is no log yet."""

    @classmethod
    def open(cls, address: Address) -> Self:
        """Connect to the database at an address.

        Raises:
            LogUnavailable: It cannot be reached, or its log is of a newer version.
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
            LogUnavailable: It cannot be read.
        """
        with self._turn:
            try:
                return self._read(statement, parameters)
            except psycopg.Error as error:
                raise self._refusal(error) from error

    def define(self, name: str, function: Callable[[str], bool]) -> None:
        """Nothing is needed: the schema has functions of its own."""

    @contextmanager
    def write(self, keep: bool = True) -> Iterator[Cursor]:
        """Everything in the block is committed as one transaction, or nothing is.

        In the block of another `write` it is a part of that one.

        Args:
            keep: False to roll everything back at the end, as a preview.

        Raises:
            LogUnavailable: It cannot be written.
            WriteInterrupted: The connection was lost on the way.
        """
        with self._turn:
            if self._inside:
                cursor = self._cursor()
                with part(cursor, keep):
                    yield cursor
                return
            with self._transaction(_WRITE if self.empty else _WRITE + _FORM, writing=True) as begun:
                row = begun.fetchone() if begun and not self.empty else None
                if row and row[0] > SCHEMA:
                    raise self._too_new()
                yield self._cursor()
                self._committing = keep
                # After an error that somebody has kept silent about, COMMIT would roll back.
                if keep and control(self._connection, "COMMIT").statusmessage != "COMMIT":
                    raise LogUnavailable(self.place, "failed: nothing was recorded")

    @contextmanager
    def look(self) -> Iterator[Cursor]:
        """One state for the whole block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Raises:
            LogUnavailable: It cannot be read.
        """
        with self._turn:
            if self._inside:
                yield self._cursor()
                return
            with self._transaction(_LOOK):
                yield self._cursor()

    @contextmanager
    def apart(self, reading: bool = False) -> Iterator[Self]:
        """See `Database.apart`; it is this very one where the server has no connection left."""
        with self._turn:
            inside = self._inside
        other = self
        if not inside:
            with suppress(LogUnavailable):
                other = type(self)(self._address, connect(self._address, ARRIVAL))
                other.outdated, other.empty = self.outdated, self.empty
        try:
            yield other
        finally:
            if other is not self:
                other.close()

    def consistently(self, read: Callable[[], R]) -> R:
        """What `read` returns, in the block of a `look`; called again if that state was lost.

        Raises:
            LogUnavailable: It cannot be read.
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
            raise LogUnavailable(self.place, problem)
        for statement in BEFORE_TABLES:
            cursor.execute(statement)

    def version(self, cursor: Cursor) -> int:
        """Which form its tables have; 0 where there are none."""
        # `to_regclass` may remember, under the lock, that there was none before.
        ((there, usable),) = cursor.execute(
            f"SELECT count(*), ({_USABLE}) FROM pg_tables "
            "WHERE schemaname = ? AND tablename = 'version'",
            [self.main],
        )
        if there and not usable:
            raise self._no_usage()
        if not there:
            return 0
        ((form,),) = cursor.execute("SELECT coalesce(max(form), 0) FROM version")
        return int(form)

    def stamp(self, cursor: Cursor) -> None:
        """Note that its tables have the form of this version."""
        cursor.execute("DELETE FROM version")
        cursor.execute("INSERT INTO version VALUES (?)", [SCHEMA])
        self.empty = False

    def _tables(self) -> "ReadModelTables":
        from stackfold.infrastructure.eventstore.read_model_tables import ReadModelTables

        return ReadModelTables(self.aggregates)

    def by_table(self, cursor: Cursor) -> str:
        """Let no index be used to read tables, until the transaction ends."""
        from stackfold.infrastructure.database import postgres_integrity

        cursor.execute(postgres_integrity.BY_TABLE)
        return ""

    def lying_index(self) -> Fault | None:
        """What an index tells otherwise than its table does.

        Raises:
            LogUnavailable: The table itself cannot be read.
        """
        from stackfold.infrastructure.database import postgres_integrity

        return self.consistently(
            lambda: postgres_integrity.lying_index(self._cursor(), self._tables())
        )

    def damage(self) -> Fault | None:
        """What amcheck finds, where it is installed and allowed."""
        from stackfold.infrastructure.database import postgres_integrity

        with self._turn:
            return postgres_integrity.damage(self._read)

    def missing(self) -> Fault | None:
        """What of the log's indexes and triggers is not there, or is not what it should be."""
        from stackfold.infrastructure.database import postgres_integrity

        return self.consistently(lambda: postgres_integrity.missing(self._cursor(), self._tables()))

    def fix(self, cursor: Cursor) -> None:
        """Make the indexes and triggers anew that are wrong, as far as this user may."""
        from stackfold.infrastructure.database import postgres_integrity

        postgres_integrity.fix(cursor, self._tables())

    @contextmanager
    def new_events(self) -> Iterator[Wait]:
        """What waits until the server tells of new events, on a connection of its own."""
        listener = Listener(self._address)
        try:
            yield listener.wait
        finally:
            listener.close()

    @contextmanager
    def another(self) -> Iterator[Connection]:
        """One more connection, for what lasts as long as it does; it is closed after the block.

        Raises:
            LogUnavailable: There is none to be had.
        """
        connection = connect(self._address, ARRIVAL)
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._closed = True
            if self._opened is not None:
                self._opened.close()

    def forked(self) -> None:
        """Be ready, in a forked process, to connect anew."""
        self._turn = threading.RLock()  # another thread may have held it
        self._inside = self._writing = self._committing = False
        # Not to be closed here: that would end the session of the process before.
        _inherited.append(self._opened)
        self._opened = None

    # -- how it is done

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            if self._closed:
                raise LogUnavailable(self.place, "is closed")
            self._opened = connect(self._address, ARRIVAL)
        return self._opened

    def _read(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows that a SELECT yields, once more if the connection was lost."""
        for again in (True, False):
            try:
                # A TranslatingCursor takes any string.
                cursor = self._connection.execute(statement, parameters)  # pyright: ignore[reportArgumentType]
                return cursor.fetchall()
            except psycopg.Error as error:
                if not self._connection.closed:
                    raise
                if self._writing:
                    raise WriteInterrupted(self.place, committing=False) from error
                if self._inside or not again:
                    # The whole block must be repeated, which only its author can do.
                    raise ReadInterrupted(self.place) from error
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
            raise self._refusal(error) from error
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
                    raise refusal(self.place, error) from error
                if not again:
                    raise self._lost() from error
            self._reconnect()
        raise AssertionError

    def _reconnect(self) -> None:
        if self._closed:
            raise LogUnavailable(self.place, "is closed")
        self._connection.close()
        self._opened = connect(self._address, RETURN)

    def _too_new(self) -> LogUnavailable:
        return LogUnavailable(self.place, "was written by a newer Stackfold: upgrade")

    def _lost(self) -> LogUnavailable:
        if self._writing:
            return WriteInterrupted(self.place, committing=self._committing)
        return ReadInterrupted(self.place)

    def _refusal(self, error: psycopg.Error) -> StackfoldError:
        if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
            # Whoever may not use the schema is told that there is nothing of that name in it.
            with suppress(LogUnavailable, psycopg.Error):
                asking = connect(self._address, ARRIVAL)
                with asking:
                    ((allowed,),) = asking.execute(_USABLE).fetchall()
                if not allowed:
                    return self._no_usage()
            lost = re.search(r'relation "(?:stackfold\.)?(\w+)" does not exist', str(error))
            if lost and lost[1] not in ("events", "version"):
                return ReadModelDamaged("a read model is missing")
        return refusal(self.place, error)

    def _no_usage(self) -> PermissionDenied:
        problem = f"does not allow this: permission denied for schema {SCHEMA_NAME}"
        return PermissionDenied(self.place, problem)


_inherited: list[Connection | None] = []
"""Connections of the process that this one was forked from."""
