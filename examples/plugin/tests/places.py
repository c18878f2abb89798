"""Where the logs of tests are."""

import sqlite3
from contextlib import closing
from typing import LiteralString, NamedTuple

import psycopg


class Places(NamedTuple):
    """Where a log and the tables of projections are."""

    home: str
    store: str | None
    """The address of the log; None if it is in the home."""
    tables: str
    """The database of projections."""

    def rows(self, statement: LiteralString) -> list[tuple[str, int]]:
        """The rows that a statement yields in the database of projections."""
        if self.store:
            with psycopg.connect(self.tables) as server:
                return server.execute(statement).fetchall()
        with closing(sqlite3.connect(self.tables)) as file:
            return file.execute(statement).fetchall()
