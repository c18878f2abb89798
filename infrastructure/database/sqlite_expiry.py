"""Ends the transaction of a unit of work whose time is over, while its block hangs."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.infrastructure.system.alarms import ALARMS

_INSTRUCTIONS = 100_000
"""How many instructions of SQLite are executed between looks at the time; less than 10 ms."""


@contextmanager
def expiring(connection: sqlite3.Connection, unit: UnitOfWork) -> Iterator[None]:
    """Roll back the transaction of a unit of work when its time is over.

    A statement that is being executed then is aborted. Between uses of the workspace, another
    thread rolls back, so that other processes can write.

    Args:
        connection: In the transaction.
        unit: The block that uses it.

    Raises:
        ChangeTimedOut: The transaction was rolled back.
    """
    ended = False

    def expire() -> None:
        with unit.in_use:
            if ended:
                return
            unit.expire()
            with suppress(sqlite3.Error):  # such as a connection that is closed
                connection.execute("ROLLBACK")

    alarm = ALARMS.set(unit.remaining, expire)
    connection.set_progress_handler(lambda: not unit.remaining, _INSTRUCTIONS)
    try:
        yield
    finally:
        ALARMS.cancel(alarm)
        with unit.in_use:
            ended = True
        with suppress(sqlite3.Error):
            connection.set_progress_handler(None, 0)
    unit.check()
