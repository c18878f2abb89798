"""Claims on runs in a shared log: locks that the server releases when a connection ends."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

import psycopg

from stackfold.domain.errors import RunBusy
from stackfold.infrastructure.database.postgres import PostgresDatabase
from stackfold.infrastructure.database.postgres_errors import statement_error
from stackfold.infrastructure.database.protocol import Database


class PostgresClaims:
    """The claims on the runs of a shared log, on all machines."""

    def __init__(self, database: Database) -> None:
        """Create claims.

        Args:
            database: The PostgreSQL database of the log.
        """
        self._database = cast(PostgresDatabase, database)

    @contextmanager
    def claim(self, run: str, name: str) -> Iterator[None]:
        """Claim a run for the block, with a separate connection."""
        with self._database.another() as connection:
            try:
                ((claimed,),) = connection.execute(
                    "SELECT pg_try_advisory_lock(?, claim_of(?))", (self._database.claims, run)
                )
            except psycopg.Error as error:
                raise statement_error(self._database.location, error) from error
            if not claimed:
                raise RunBusy(name)
            try:
                yield
            finally:
                # A server may notice only later that the connection was closed.
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock_all()")

    def is_claimed(self, run: str) -> bool:
        """Whether a process that is alive has claimed the run with an id."""
        ((claimed,),) = self._database.read("SELECT run_is_claimed(?)", (run,))
        return bool(claimed)
