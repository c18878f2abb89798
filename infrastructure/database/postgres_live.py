"""The running steps of the runs of a shared log, in a table beside the log.

The table is not logged: what it has is of no use after a crash of the server. A log that an older
version created gets it with the first run of a role that may create tables; without it, or without
rights to it, running steps are not shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import psycopg

from stackfold.application.runs.live_steps import DAYS_LEFT, PROOF_OF_LIFE, LiveStep
from stackfold.infrastructure.database.postgres import PostgresDatabase
from stackfold.infrastructure.database.postgres_connection import Connection
from stackfold.infrastructure.database.postgres_schema import LIVE_STEPS
from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    from stackfold.application.runs.running_steps import RunningSteps

_READABLE = (
    "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('live_steps') "
    "AND has_table_privilege(oid, 'SELECT')) AND NOT pg_is_in_recovery()"
)
_ALIVE = f" AND shown > clock_timestamp() - interval '{3 * PROOF_OF_LIFE} seconds'"
# A TranslatingCursor takes any string.
_FORGET: Any = (
    f"DELETE FROM live_steps WHERE shown < clock_timestamp() - interval '{DAYS_LEFT} days'"
)
_SHOW = (
    "INSERT INTO live_steps VALUES (?, ?, ?, ?, ?, clock_timestamp()) "
    "ON CONFLICT (run, step) DO UPDATE SET started = excluded.started, "
    "before = excluded.before, output = excluded.output, shown = excluded.shown"
)


class PostgresLiveSteps:
    """The running steps of a shared log, on all machines."""

    def __init__(self, database: Database) -> None:
        """Use the table of a log.

        Args:
            database: The PostgreSQL database of the log.
        """
        self._database = cast(PostgresDatabase, database)

    def of(self, run: str, submitted: bool) -> Mapping[str, LiveStep]:
        """The running steps of a run that has not ended."""
        # Asked first, as an error would end the transaction of the caller.
        ((readable,),) = self._database.read(_READABLE)
        if not readable:
            return {}
        rows = self._database.read(
            "SELECT step, started, before, output FROM live_steps WHERE run = ?"
            + (_ALIVE if submitted else ""),
            (run,),
        )
        return {row[0]: LiveStep(*row) for row in rows}

    def showing(self, run: str, running: "RunningSteps") -> AbstractContextManager[None]:
        """Show the running steps of a run while a block is executed."""
        # Reading must not import what executes steps.
        from stackfold.infrastructure.system.live_threads import showing

        return showing(run, running, self._board)

    @contextmanager
    def _board(self, run: str) -> "Iterator[_Board]":
        """Provide the board of a run for the block, with a separate connection."""
        with self._database.another() as connection:
            # A server that hangs must not keep a run from ending.
            connection.execute("SET statement_timeout TO 5000")
            if connection.execute("SELECT to_regclass('live_steps')").fetchall() == [(None,)]:
                connection.execute(LIVE_STEPS)
            connection.execute(_FORGET)
            yield _Board(connection, run)

    def clear(self, run: str) -> None:
        """Remove what a process that was killed has left of a run."""
        with suppress(psycopg.Error), self._database.another() as connection:
            connection.execute("DELETE FROM live_steps WHERE run = ?", (run,))


class _Board:
    def __init__(self, connection: Connection, run: str) -> None:
        self._connection = connection
        self._run = run

    def show(self, steps: Sequence[LiveStep]) -> None:
        for each in steps:
            row = (self._run, each.step, each.started, each.begin, each.text)
            self._connection.execute(_SHOW, row)

    def remove(self, steps: Sequence[str]) -> None:
        self._connection.execute(
            "DELETE FROM live_steps WHERE run = ? AND step = ANY(?)", (self._run, [*steps])
        )
