"""Claims on runs in a shared log: locks that the server lets go of when a connection ends."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

import psycopg

from stackfold.domain.errors import RunBusy
from stackfold.infrastructure.database.postgres import PostgresDatabase
from stackfold.infrastructure.database.postgres_errors import statement_error
from stackfold.infrastructure.database.postgres_schema import CLAIMS
from stackfold.infrastructure.database.protocol import Database


class PostgresClaims:
    """The claims on the runs of one log, wherever they are executed."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`, which is a shared one."""
        self._database = cast(PostgresDatabase, database)

    @contextmanager
    def hold(self, run: str, name: str) -> Iterator[None]:
        """Claim a run for the block, by a connection of its own."""
        with self._database.another() as connection:
            try:
                ((claimed,),) = connection.execute(
                    "SELECT pg_try_advisory_lock(?, claim_of(?))", (CLAIMS, run)
                )
            except psycopg.Error as error:
                raise statement_error(self._database.place, error) from error
            if not claimed:
                raise RunBusy(name)
            try:
                yield
            finally:
                # A server may notice only later that the connection was closed.
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock_all()")

    def held(self, run: str) -> bool:
        """Whether somebody who is alive has claimed the run with that id."""
        ((held,),) = self._database.read("SELECT run_is_claimed(?)", (run,))
        return bool(held)
