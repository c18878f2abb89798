"""A log in PostgreSQL, which threads use concurrently, each with its own session."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Self

from psycopg import errors

from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.domain.errors import LogUnavailable, PermissionDenied
from stackfold.infrastructure.database.postgres_checks import PostgresChecks
from stackfold.infrastructure.database.postgres_connection import ARRIVAL, Connection, connect
from stackfold.infrastructure.database.postgres_errors import no_access
from stackfold.infrastructure.database.postgres_listener import Listener
from stackfold.infrastructure.database.postgres_pool import SessionPool
from stackfold.infrastructure.database.postgres_schema import APPEND_ONLY, LogSchema
from stackfold.infrastructure.database.postgres_session import PostgresSession, SharedLog
from stackfold.infrastructure.database.protocol import Cursor, NewEvents, R
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.database.turn import Turn
from stackfold.infrastructure.system.aggregate_packages import INSTALLED_AGGREGATES
from stackfold.infrastructure.system.database_url import DatabaseUrl
from stackfold.infrastructure.system.forks import notify_after_fork

_SCHEMA_EXISTS = "SELECT 1 FROM pg_namespace WHERE nspname = ?"


class PostgresDatabase(PostgresChecks):
    """Reads are concurrent; writes of one process take turns before they wait for the lock."""

    aggregates = INSTALLED_AGGREGATES
    temp = "pg_temp"
    drops_unseen = False
    # Not the begin of the transaction, which waited for the write lock.
    clock = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    append_only: Sequence[str] = APPEND_ONLY
    conflict: type[Exception] = PostgresSession.conflict
    shared = True

    def __init__(self, address: DatabaseUrl, connection: Connection) -> None:
        """Use `open` instead of this.

        Args:
            address: The address of the database.
            connection: A connection to it.
        """
        self.location = address.location
        self.url: str | None = address.url
        self._address = address
        self._schema = LogSchema(address.schema, address.own_schema)
        self.main = self._schema.quoted
        self._log = SharedLog(address, self._schema)
        self._pool = SessionPool(self._log, PostgresSession(self._log, connection))
        self._turn = Turn()
        """The turn to write."""
        self._reserved: PostgresSession | None = None
        """The session of a unit of work."""
        self.outdated = False
        notify_after_fork(self)

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
                raise database._log.too_new()
        except BaseException:
            database.close()
            raise
        database.empty = version == 0
        database.outdated = 0 < version < SCHEMA
        return database

    @property
    def empty(self) -> bool:
        """Whether the schema has no log yet."""
        return self._log.empty

    @empty.setter
    def empty(self, empty: bool) -> None:
        self._log.empty = empty

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows that a SELECT yields, as tuples.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        self._check()
        with self._pool.session() as session:
            return session.read(statement, parameters)

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
        with self._turn, self._pool.session() as session, session.write(keep) as cursor:
            yield cursor

    def execute_own(
        self, statement: str, parameters: Sequence[Any], reading: bool = False
    ) -> list[tuple[Any, ...]]:
        """Execute a statement on tables of a program, in the block of a `write` if there is one."""
        if reading:
            self._check()
            with self._pool.session() as session:
                return session.read_own(statement, parameters)
        with self._turn, self._pool.session() as session:
            return session.execute_own(statement, parameters)

    @contextmanager
    def reserved(self, unit: UnitOfWork) -> Iterator[None]:
        """As `Database.reserved`; the server ends the transaction of a program that hangs."""
        with self._turn.reserved(unit), self._pool.session() as session:
            session.limit_idle_time(unit.remaining)
            self._reserved = session
            try:
                yield
            finally:
                self._reserved = None

    @contextmanager
    def look(self, keep: bool = False) -> Iterator[Cursor]:
        """Read one state throughout the block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Args:
            keep: Whether temporary tables are kept after the block, on the same session.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        self._check()
        with self._pool.session() as session, session.look(keep) as cursor:
            yield cursor

    @contextmanager
    def apart(self, reading: bool = False) -> Iterator[Self]:
        """As `Database.apart`; yields this database if the server has no connection left."""
        other = self
        if self._pool.bound is None:
            with suppress(LogUnavailable):
                other = type(self)(self._address, connect(self._address, ARRIVAL))
                other.aggregates = self.aggregates
                other.outdated, other.empty = self.outdated, self.empty
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
        self._check()
        with self._pool.session() as session:
            return session.consistently(read)

    def prepare(self, cursor: Cursor) -> None:
        """Create the schema, and the functions that triggers and queries call.

        Raises:
            LogUnavailable: The database has another encoding than UTF8.
            PermissionDenied: The role may not create the schema.
        """
        ((encoding,),) = cursor.execute("SHOW server_encoding")
        if encoding != "UTF8":
            problem = f"has the encoding {encoding}: create a database with the encoding UTF8"
            raise LogUnavailable(self.location, problem)
        for name in filter(None, (self._schema.name, self._schema.own)):
            if cursor.execute(_SCHEMA_EXISTS, [name]).fetchall():
                continue  # who may not create schemas may use one that exists
            try:
                cursor.execute(f'CREATE SCHEMA "{name}"')
            except errors.InsufficientPrivilege as error:
                problem = (
                    f"does not allow this: {error.diag.message_primary}; let its owner execute "
                    f"CREATE SCHEMA {name} AUTHORIZATION {self.role}"
                )
                raise PermissionDenied(self.location, problem) from error
        for statement in self._schema.before_tables:
            cursor.execute(statement)

    def version(self, cursor: Cursor) -> int:
        """The schema version of the tables; 0 if there are none."""
        # Under the lock, `to_regclass` may return the cached answer of before the lock.
        ((found, accessible),) = cursor.execute(
            f"SELECT count(*), ({self._schema.has_access}) FROM pg_tables "
            "WHERE schemaname = ? AND tablename = 'version'",
            [self._schema.name],
        )
        if found and not accessible:
            raise no_access(self.location, self._schema.name)
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
        with closing(Listener(self._address, self._schema)) as listener:
            yield listener

    @contextmanager
    def another(self) -> Iterator[Connection]:
        """Open one more connection for the block, such as for a lock that ends with it.

        Raises:
            LogUnavailable: The connection cannot be opened.
        """
        with closing(connect(self._address, ARRIVAL)) as connection:
            yield connection

    @property
    def claims(self) -> int:
        """The first half of the key of the locks that claim runs of this log."""
        return self._schema.claims

    @property
    def role(self) -> str | None:
        """The role that the server authenticated, as it reported on connecting."""
        self._check()
        with self._pool.session() as session:
            return session.role

    def close(self) -> None:
        """Close the connections; one that another thread uses is closed after that."""
        self._pool.close()

    def after_fork(self) -> None:
        """In a forked process, prepare to open new connections."""
        self._turn = Turn()  # another thread may have acquired it
        self._reserved = None
        self._pool.after_fork()

    def _check(self) -> None:
        """Check that a unit of work, if this thread or task is in one, can be used here."""
        unit = self._turn.unit
        if unit is not None:
            bound = self._pool.bound
            if unit.inherited or (bound is not None and bound is self._reserved):
                unit.check()

    def _cursor(self) -> Cursor:
        bound = self._pool.bound
        assert bound is not None  # noqa: S101  # it is used in the block of a `look`
        return bound.cursor()

    def _read(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        with self._pool.session() as session:
            return session.rows(statement, parameters)
