"""Connections to PostgreSQL, with limits on how long anything waits."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Self

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from stackfold.domain.errors import LogUnavailable
from stackfold.infrastructure.database.postgres_dialect import translated, without_nul
from stackfold.infrastructure.database.postgres_errors import connection_error, server_restarts
from stackfold.infrastructure.database.postgres_schema import LogSchema
from stackfold.infrastructure.system.database_url import DatabaseUrl

PATIENCE = 10.0
"""Seconds to wait for the transaction of another session to end."""
RETURN = 8.0
"""Seconds to wait for a restarting server, on reconnecting."""
ARRIVAL = 3.0
"""Seconds to wait for a restarting server, on connecting for the first time."""

_TIMEOUTS = {
    # The limit of libpq for each host of the address, and those for a server that vanished.
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class TranslatingCursor(psycopg.Cursor[Any]):
    """Executes statements that are written for every database."""

    def execute(self, query: Any, params: Any = (), **more: Any) -> Self:
        """Execute a statement with `?` for each parameter."""
        statement = translated(query)
        try:
            return super().execute(statement, params, **more)
        except psycopg.DataError as error:
            if "NUL" not in str(error):
                raise
            # The driver noticed before it sent anything, so the transaction continues.
            return super().execute(statement, [*map(without_nul, params)], **more)

    def executemany(self, query: Any, params_seq: Iterable[Any], **more: Any) -> None:
        """Execute a statement once for each sequence of parameters."""
        rows: Iterable[Sequence[Any]] = ([*map(without_nul, row)] for row in params_seq)
        super().executemany(translated(query), rows, **more)


Connection = psycopg.Connection[Any]


def connect(address: DatabaseUrl, patience: float) -> Connection:
    """Open a connection that commits each statement outside of transactions.

    Args:
        address: The address of the database.
        patience: Seconds to wait for a restarting server.

    Raises:
        LogUnavailable: The connection cannot be opened.
    """
    end = time.monotonic() + patience
    pause = 0.05
    while True:
        try:
            return _connected(address)
        except psycopg.Error as error:
            if not server_restarts(error) or time.monotonic() + pause > end:
                raise connection_error(address.location, error) from error
        time.sleep(pause)
        pause = min(2 * pause, 0.5)


def _connected(address: DatabaseUrl) -> Connection:
    given = conninfo_to_dict(address.server)
    hosts = str(given.get("host", ""))
    chosen: dict[str, Any] = {k: v for k, v in _TIMEOUTS.items() if k not in given}
    if "," in hosts and "target_session_attrs" not in given:
        # After a failover another host is the one that can be written to.
        chosen["target_session_attrs"] = "read-write"
    connection = psycopg.connect(
        address.server,
        autocommit=True,
        client_encoding="utf8",
        cursor_factory=TranslatingCursor,
        **chosen,
    )
    try:
        started = control(
            connection,
            f'SET search_path TO "{address.schema}"; '
            "SET client_min_messages TO warning; "
            f"SET lock_timeout TO {int(PATIENCE * 1000)}; "
            # So that a suspended laptop releases the write lock.
            "SET idle_in_transaction_session_timeout TO 60000; "
            "SELECT pg_backend_pid()",
        )
        ((server,),) = started.fetchall()
        if server != connection.info.backend_pid:
            # A pooler invents the number that it tells clients on connecting.
            _require_session(connection, server, address)
    except BaseException:
        connection.close()
        raise
    return connection


def _require_session(connection: Connection, server: int, address: DatabaseUrl) -> None:
    """Reject a pooler that lends connections to the server for one transaction each.

    Args:
        connection: A connection through a pooler.
        server: The process of the server that served its last statement.
        address: The address of the database.

    Raises:
        LogUnavailable: Its settings and locks would leak to the next client.
    """
    # While another client holds a connection in a transaction, this one needs another; or the
    # other client already got that which served this one.
    with psycopg.connect(address.server, connect_timeout=3) as other:
        try:
            ((taken,),) = other.execute("SELECT pg_backend_pid()").fetchall()
        except psycopg.OperationalError:  # it allows no transactions at all
            taken = server
        ((again,),) = control(connection, "SELECT pg_backend_pid()").fetchall()
    if taken == server or again != server:
        raise LogUnavailable(
            address.location,
            "is behind a pooler that shares sessions between transactions, where LISTEN, locks and "
            "settings are lost: set pool_mode = session for this database, or give the address of "
            "the server itself, and limit connections by ?pool_size= in it",
        )


def control(connection: Connection, statements: str) -> psycopg.Cursor[Any]:
    """Send several statements at once, untranslated.

    Returns:
        The cursor with the result of the last statement.
    """
    cursor = psycopg.Cursor(connection)
    cursor.execute(statements.encode(), prepare=False)
    while cursor.nextset():
        pass
    return cursor


def at_once(connection: Connection, statement: bytes) -> None:
    """Send a statement without result and without waits for locks, at half the cost."""
    result = connection.pgconn.exec_(statement)
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise errors.error_from_result(result)


def has_access(address: DatabaseUrl) -> bool:
    """Whether the user has rights to the schema of the log; True if that cannot be determined."""
    with suppress(LogUnavailable, psycopg.Error), connect(address, ARRIVAL) as connection:
        # A TranslatingCursor takes any string.
        selected: Any = LogSchema(address.schema).has_access
        ((allowed,),) = connection.execute(selected).fetchall()
        return bool(allowed)
    return True


_inherited: list[Connection] = []


def keep_inherited(connection: Connection | None) -> None:
    """Keep a connection of the parent process open: closing it would end the parent's session."""
    if connection is not None:
        _inherited.append(connection)
