"""Notifications of new events in PostgreSQL, on a separate connection."""

import psycopg

from stackfold.infrastructure.database.postgres_connection import (
    ARRIVAL,
    RETURN,
    Connection,
    connect,
    control,
    keep_inherited,
)
from stackfold.infrastructure.database.postgres_schema import LogSchema
from stackfold.infrastructure.system.database_url import DatabaseUrl
from stackfold.infrastructure.system.forks import notify_after_fork


class Listener:
    """Waits for notifications of new events."""

    def __init__(self, address: DatabaseUrl, schema: LogSchema) -> None:
        """Listen at the database with an address for events of the log in a schema."""
        self._address, self._channel = address, schema.channel
        self._connection: Connection | None = self._listening(ARRIVAL)
        notify_after_fork(self)

    def wait(self, seconds: float) -> bool:
        """Wait until there may be new events, or for a number of seconds."""
        if self._connection is None:
            return True
        try:
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.OperationalError:
            self._connection.close()
            return True

    def ready(self) -> bool:
        """Whether there may be new events since the last call; returns at once."""
        if self._connection is None:
            return True
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
        """Connect again if the connection was lost, or is that of the parent process.

        Raises:
            LogUnavailable: The server cannot be reached.
        """
        if self._connection is None or self._connection.closed:
            self._connection = self._listening(RETURN)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def after_fork(self) -> None:
        """In a forked process, prepare to open a new connection."""
        keep_inherited(self._connection)
        self._connection = None

    def _listening(self, patience: float) -> Connection:
        connection = connect(self._address, patience)
        control(connection, f'LISTEN "{self._channel}"')
        return connection
