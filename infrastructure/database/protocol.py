"""The protocol of databases for logs.

Statements are written once, in SQL that every database accepts, with `?` for each parameter. The
attributes and methods here cover the differences.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.application.eventsourcing.unit_of_work import UnitOfWork


class Cursor(Protocol):
    """Executes statements in one transaction."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Execute a statement; the result can be iterated and fetched from."""
        ...

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Execute a statement once for each sequence of parameters."""
        ...

    @property
    def rowcount(self) -> int:
        """The number of rows that the last statement changed."""
        ...


class Fault(NamedTuple):
    """A fault of the database itself, such as a damaged index."""

    problem: str
    remedy: str
    position: int | None = None
    """The position of the first event that it affects; None if that is unknown."""


R = TypeVar("R")


class NewEvents(Protocol):
    """Notices new events. One thread at a time uses it."""

    def wait(self, seconds: float) -> bool:
        """Wait until there may be new events, or for a number of seconds.

        Returns:
            Whether there may be new events.
        """
        ...

    def ready(self) -> bool:
        """Whether there may be new events since the last call; returns at once."""
        ...

    def renew(self) -> None:
        """Connect again if the connection was lost, so that later events are noticed."""
        ...


class Database(Protocol):
    """A connection that threads share in turns."""

    aggregates: Aggregates
    """The aggregates with read models in the database."""
    location: str
    """Its path or address for messages; contains no secret."""
    main: str
    """The schema of its tables."""
    temp: str
    """The schema of temporary tables."""
    drops_unseen: bool
    """Whether readers can continue while a transaction drops the tables that they read."""
    clock: str
    """SQL for the time of the server's clock, RFC 3339 in UTC; "NULL" without a server."""
    append_only: Sequence[str]
    """Statements that make the database reject changes and deletions of events."""
    conflict: type[Exception]
    """The exception of a statement that violates a unique index."""
    outdated: bool
    """Whether its read models have an older schema version, so that they must be rebuilt."""
    url: str | None
    """Its address for other machines, without a password; None if it is local."""
    shared: bool
    """Whether several users share it, each with their own active stacks."""

    @property
    def empty(self) -> bool:
        """Whether it has no log yet."""
        ...

    @property
    def role(self) -> str | None:
        """The role that the server authenticated; None without a server.

        Raises:
            LogUnavailable: The server cannot be reached.
        """
        ...

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows that a SELECT yields, as tuples.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        ...

    def write(self, keep: bool = True) -> AbstractContextManager[Cursor]:
        """Commit everything in the block as one transaction, or nothing.

        The write lock is acquired first, so what the block reads stays true until the commit. In
        the block of another `write` it is part of that transaction.

        Args:
            keep: False to roll everything back at the end, as a preview.

        Raises:
            LogUnavailable: The database cannot be written.
            WriteInterrupted: The connection was lost.
        """
        ...

    def execute_own(
        self, statement: str, parameters: Sequence[Any], reading: bool = False
    ) -> list[tuple[Any, ...]]:
        """Execute a statement on tables of a program, in the block of a `write` if there is one.

        Args:
            statement: One statement, with `?` for each parameter.
            parameters: The values of the parameters.
            reading: Whether it may only read, so that it needs no write lock.

        Raises:
            StatementRejected: It concerns the tables of the log, or the transaction.
            StatementFailed: The database rejects it.
        """
        ...

    def reserved(self, unit: UnitOfWork) -> AbstractContextManager[None]:
        """Let only the thread and task of a unit of work use the connection in the block."""
        ...

    def look(self, keep: bool = False) -> AbstractContextManager[Cursor]:
        """Read one state throughout the block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Args:
            keep: Whether temporary tables are kept after the block, for this thread.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        ...

    def define(self, name: str, function: Callable[[str], bool]) -> None:
        """Make a function of one text available to the statements of this connection."""
        ...

    def apart(self, reading: bool = False) -> AbstractContextManager[Self]:
        """Yield the same database on a separate connection, so that other threads do not wait.

        In the block of a `write` or `look` of this thread it yields this database.

        Args:
            reading: Whether nothing is written, so that a copy may be used.
        """
        ...

    def consistently(self, read: Callable[[], R]) -> R:
        """Call `read` in the block of a `look`, once more if the connection is lost.

        Raises:
            LogUnavailable: The database cannot be read.
        """
        ...

    def prepare(self, cursor: Cursor) -> None:
        """Create what the tables of a new log need."""
        ...

    def version(self, cursor: Cursor) -> int:
        """The schema version of the tables; 0 if there are none."""
        ...

    def stamp(self, cursor: Cursor) -> None:
        """Record that the tables have the current schema version."""
        ...

    def by_table(self, cursor: Cursor) -> str:
        """Disable the use of indexes; returns SQL to append to the names of tables."""
        ...

    def lying_index(self) -> Fault | None:
        """The first index that differs from its table; None if none does.

        Raises:
            LogUnavailable: The table itself cannot be read.
        """
        ...

    def damage(self) -> Fault | None:
        """The first fault that the database's own check finds; None if it finds none."""
        ...

    def missing(self) -> Fault | None:
        """The first index or trigger that is missing or differs from its definition."""
        ...

    def repair(self, cursor: Cursor) -> None:
        """Recreate damaged indexes and triggers, as far as the user has the rights."""
        ...

    def new_events(self) -> AbstractContextManager[NewEvents]:
        """Notice new events, from the begin of the block on."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


@contextmanager
def nested_write(cursor: Cursor, keep: bool, check: Callable[[], None]) -> Iterator[None]:
    """A write in the block of another one: part of it; rolled back alone if it raises.

    Args:
        cursor: Executes statements in the transaction.
        keep: False to roll it back in any case, as a preview.
        check: Raises in a process that was forked in the block.
    """
    cursor.execute("SAVEPOINT nested")
    try:
        yield
        check()
    except BaseException:
        # Without a connection, the transaction has ended already.
        with suppress(Exception):
            check()
            cursor.execute("ROLLBACK TO nested")
            cursor.execute("RELEASE nested")
        raise
    if not keep:
        cursor.execute("ROLLBACK TO nested")
    cursor.execute("RELEASE nested")


def pages(
    database: Database,
    select: str,
    size: int,
    condition: str = "",
    parameters: Sequence[Any] = (),
) -> Iterator[Any]:
    """Rows of the events by position, read a page at a time, so that no thread waits long.

    Args:
        database: Holds the log.
        select: A SELECT from `events` without conditions, whose first column is the position.
        size: The number of rows of a page.
        condition: SQL for a further condition, beginning with " AND "; may be empty.
        parameters: The parameters of the condition.
    """
    after = 0
    while page := database.read(
        f"{select} WHERE position > ?{condition} ORDER BY position LIMIT {size}",
        (after, *parameters),
    ):
        yield from page
        after = page[-1][0]
