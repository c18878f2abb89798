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

    def wait(self, seconds: float) -> None:
        """Return when there may be new events, or after a number of seconds."""
        try:
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass
        except psycopg.OperationalError:
            self._connection.close()
            self._connection = self._listening(RETURN)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _listening(self, patience: float) -> Connection:
        connection = connect(self._address, patience)
        control(connection, f"LISTEN {CHANNEL}")
        return connection
