"""What the log needs of a database, whichever it is.

Statements are written once, in SQL that every database takes, with `?` for a parameter. What
differs is said by the attributes and methods here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from stackfold.application.eventsourcing.aggregate_type import Aggregates


class Cursor(Protocol):
    """Executes statements in one transaction."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Execute a statement; what is returned can be iterated and fetched from."""
        ...

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Execute a statement for each of the parameters."""
        ...

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        ...


class Fault(NamedTuple):
    """What is wrong with the database itself."""

    problem: str
    remedy: str
    position: int | None = None
    """The first event that it is about, if that is known."""


R = TypeVar("R")

Wait = Callable[[float], object]
"""Called with a number of seconds: waits until there may be new events, but no longer."""


class Database(Protocol):
    """A connection that threads take turns in."""

    aggregates: Aggregates
    """Whose read models it holds."""
    place: str
    """Where it is, to be shown; no secret is part of it."""
    main: str
    """The schema that its tables are in."""
    temp: str
    """The schema of temporary tables."""
    drops_unseen: bool
    """Whether readers go on while a transaction drops the tables that they read."""
    clock: str
    """An expression for the time by the server's clock, as the log writes it; NULL without one."""
    append_only: Sequence[str]
    """Statements that make the database itself refuse to change or delete events."""
    conflict: type[Exception]
    """What a statement raises that would make a second of what must be unique."""
    empty: bool
    """Whether there was no log in it when it was opened."""
    outdated: bool
    """Whether an older version made its read models, so that they must be rebuilt."""
    url: str | None
    """Where others reach it; None for what is this machine's own. It holds no password."""
    shared: bool
    """Whether it is several people's, each of whom has active stacks of their own."""

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows that a SELECT yields, as tuples.

        Raises:
            LogUnavailable: It cannot be read.
        """
        ...

    def write(self, keep: bool = True) -> AbstractContextManager[Cursor]:
        """Everything in the block is committed as one transaction, or nothing is.

        The write lock is taken before anything is read, so what is read stays true until then.
        In the block of another `write` it is a part of that one.

        Args:
            keep: False to roll everything back at the end, as a preview.

        Raises:
            LogUnavailable: It cannot be written.
            WriteInterrupted: The connection was lost on the way.
        """
        ...

    def look(self) -> AbstractContextManager[Cursor]:
        """One state for the whole block; only temporary tables can be written.

        In the block of a `write` or of another `look` it is the state of that one.

        Raises:
            LogUnavailable: It cannot be read.
        """
        ...

    def define(self, name: str, function: Callable[[str], bool]) -> None:
        """Let statements of this connection call a function of one text by a name."""
        ...

    def apart(self, reading: bool = False) -> AbstractContextManager[Self]:
        """The same database on a connection of its own, so that other threads do not wait.

        In the block of a `write` or `look` of this thread it is this very one.

        Args:
            reading: Whether nothing is written; then a copy serves as well.
        """
        ...

    def consistently(self, read: Callable[[], R]) -> R:
        """What `read` returns, in the block of a `look`; called again if that state was lost.

        Raises:
            LogUnavailable: It cannot be read.
        """
        ...

    def prepare(self, cursor: Cursor) -> None:
        """Make ready for the tables of a new log."""
        ...

    def version(self, cursor: Cursor) -> int:
        """Which form its tables have; 0 where there are none."""
        ...

    def stamp(self, cursor: Cursor) -> None:
        """Note that its tables have the form of this version."""
        ...

    def by_table(self, cursor: Cursor) -> str:
        """Let no index be used to read tables; returns what must stand behind a table's name."""
        ...

    def lying_index(self) -> Fault | None:
        """What an index of the events tells otherwise than the table of events does.

        Raises:
            LogUnavailable: The table itself cannot be read.
        """
        ...

    def damage(self) -> Fault | None:
        """What the database's own check finds."""
        ...

    def missing(self) -> Fault | None:
        """What of the log's indexes and triggers is not there, or is not what it should be."""
        ...

    def fix(self, cursor: Cursor) -> None:
        """Make the indexes and triggers of the events anew, as far as this user may."""
        ...

    def new_events(self) -> AbstractContextManager[Wait]:
        """In the block, what waits for new events; none that comes after its begin is missed."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@contextmanager
def part(cursor: Cursor, keep: bool) -> Iterator[None]:
    """A write in the block of another one: kept with it, or rolled back alone as a preview."""
    if keep:
        yield
        return
    cursor.execute("SAVEPOINT preview")
    yield
    cursor.execute("ROLLBACK TO preview")


def pages(database: Database, select: str, size: int) -> Iterator[Any]:
    """The rows of the events, read a page at a time, so that nobody waits for the reader.

    Args:
        database: Where the log is.
        select: A SELECT from `events`, whose first column is the position, without conditions.
        size: How many rows are read at a time.
    """
    after = 0
    while page := database.read(
        f"{select} WHERE position > ? ORDER BY position LIMIT {size}", (after,)
    ):
        yield from page
        after = page[-1][0]
