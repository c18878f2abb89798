"""Notifications of new events in PostgreSQL, on a separate connection."""

import psycopg

from stackfold.infrastructure.database.postgres_connection import (
    ARRIVAL,
    RETURN,
    Connection,
    connect,
    control,
)
from stackfold.infrastructure.database.postgres_schema import CHANNEL
from stackfold.infrastructure.system.database_url import DatabaseUrl


class Listener:
    """Waits for notifications of new events."""

    def __init__(self, address: DatabaseUrl) -> None:
        """Listen at the database with an address."""
        self._address = address
        self._connection = self._listening(ARRIVAL)

    def wait(self, seconds: float) -> bool:
        """Wait until there may be new events, or for a number of seconds."""
        try:
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.OperationalError:
            self._connection.close()
            return True

    def ready(self) -> bool:
        """Whether there may be new events since the last call; returns at once."""
        server = self._connection.pgconn
        try:
            server.consume_input()
        except psycopg.OperationalError:
            self._connection.close()
            return True
        arrived = False
        while server.notifies():
            arrived = True
        return arrived

    def renew(self) -> None:
        """Connect again if the connection was lost.

        Raises:
            LogUnavailable: The server cannot be reached.
        """
        if self._connection.closed:
            self._connection = self._listening(RETURN)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _listening(self, patience: float) -> Connection:
        connection = connect(self._address, patience)
        control(connection, f"LISTEN {CHANNEL}")
        return connection
