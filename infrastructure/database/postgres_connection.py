"""Connections to PostgreSQL, and their failures in plain words; nothing waits for minutes."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Self

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from stackfold.domain.errors import LogUnavailable, PermissionDenied
from stackfold.infrastructure.database.postgres_dialect import translated, without_nul
from stackfold.infrastructure.database.postgres_schema import SCHEMA_NAME
from stackfold.infrastructure.database.url import Address

PATIENCE = 10.0
"""Seconds to wait for another one's transaction to end."""
RETURN = 8.0
"""Seconds within which a server that was there must be there again."""
ARRIVAL = 3.0
"""The same for one that was not seen yet."""

_TIMEOUTS = {
    # libpq's own, for each host of the address; then for a server that is gone without a word.
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

_PASSING = ("refused", "starting up", "shutting down", "in recovery mode", "closed the connection")
"""Signs of a server that is being restarted."""

_NO_CONNECTION = (
    (("password", "fe_sendauth"), "refuses the password: give it in PGPASSWORD or in ~/.pgpass"),
    (("too many", "remaining connection slots"), "has no connection left: try again later"),
    (("starting up", "shutting down", "recovery mode"), "is being restarted: try again"),
    (
        ("does not exist", "authentication failed", "no pg_hba.conf", "permission denied"),
        "cannot be entered",
    ),
    (("definition of service", "service file"), "is of a service that is not known"),
    (("certificate", "ssl"), "cannot be reached securely"),
    (("read-only", "read/write", "session is not"), "has no server that can be written to"),
)
_DAMAGED = "is damaged, or of another version: upgrade, or restore it from a backup"
_REFUSALS = (
    (errors.LockNotAvailable, "is locked by another process: try again when that has ended"),
    (errors.DiskFull, "cannot grow, the server's disk is full: free some space and try again"),
    (errors.ReadOnlySqlTransaction, "is read-only: this server is a copy, or set to be read only"),
    (errors.QueryCanceled, "was interrupted by its server, which ended the statement: try again"),
    (errors.UndefinedTable, _DAMAGED),
    (errors.UndefinedColumn, _DAMAGED),
)


class TranslatingCursor(psycopg.Cursor[Any]):
    """Takes statements as they are written for every database."""

    def execute(self, query: Any, params: Any = (), **more: Any) -> Self:
        """Execute a statement with `?` for its parameters."""
        statement = translated(query)
        try:
            return super().execute(statement, params, **more)
        except psycopg.DataError as error:
            if "NUL" not in str(error):
                raise
            # It was found before anything was sent, so the transaction goes on.
            return super().execute(statement, [*map(without_nul, params)], **more)

    def executemany(self, query: Any, params_seq: Iterable[Any], **more: Any) -> None:
        """Execute a statement with each of the parameters."""
        rows: Iterable[Sequence[Any]] = ([*map(without_nul, row)] for row in params_seq)
        super().executemany(translated(query), rows, **more)


Connection = psycopg.Connection[Any]


def connect(address: Address, patience: float) -> Connection:
    """A connection that commits each statement, unless told otherwise.

    Args:
        address: Where to.
        patience: For how many seconds a server that is being restarted is waited for.

    Raises:
        LogUnavailable: There is no connection to be had.
    """
    end = time.monotonic() + patience
    pause = 0.05
    while True:
        try:
            return _connected(address)
        except psycopg.OperationalError as error:
            text = str(error).lower()
            if not any(sign in text for sign in _PASSING) or time.monotonic() + pause > end:
                if "permission denied" in text:
                    problem = f"cannot be entered: {_line(error)}"
                    raise PermissionDenied(address.place, problem) from error
                raise LogUnavailable(address.place, _no_connection(error)) from error
        except psycopg.Error as error:
            raise LogUnavailable(address.place, f"cannot be opened: {_line(error)}") from error
        time.sleep(pause)
        pause = min(2 * pause, 0.5)


def _connected(address: Address) -> Connection:
    given = conninfo_to_dict(address.url)
    hosts = str(given.get("host", ""))
    chosen: dict[str, Any] = {k: v for k, v in _TIMEOUTS.items() if k not in given}
    if "," in hosts and "target_session_attrs" not in given:
        # After a fail-over the one that can be written to is another one.
        chosen["target_session_attrs"] = "read-write"
    connection = psycopg.connect(
        address.url,
        autocommit=True,
        client_encoding="utf8",
        cursor_factory=TranslatingCursor,
        **chosen,
    )
    try:
        control(
            connection,
            f"SET search_path TO {SCHEMA_NAME}; "
            "SET client_min_messages TO warning; "
            f"SET lock_timeout TO {int(PATIENCE * 1000)}; "
            # Nobody's sleeping laptop keeps the write lock for longer.
            "SET idle_in_transaction_session_timeout TO 60000",
        )
    except BaseException:
        connection.close()
        raise
    return connection


def control(connection: Connection, statements: str) -> psycopg.Cursor[Any]:
    """Send statements in one go, as they are; returns the cursor with the last one's result."""
    cursor = psycopg.Cursor(connection)
    cursor.execute(statements.encode(), prepare=False)
    while cursor.nextset():
        pass
    return cursor


def at_once(connection: Connection, statement: bytes) -> None:
    """Send a statement that waits for nobody and yields nothing, at half of the cost."""
    result = connection.pgconn.exec_(statement)
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise errors.error_from_result(result)


def refusal(place: str, error: psycopg.Error) -> LogUnavailable:
    """What a statement's error means to users."""
    for kind, problem in _REFUSALS:
        if isinstance(error, kind):
            return LogUnavailable(place, problem)
    if isinstance(error, errors.InsufficientPrivilege):
        return PermissionDenied(place, f"does not allow this: {_line(error)}")
    return LogUnavailable(place, f"failed: {_line(error)}")


def _no_connection(error: psycopg.Error) -> str:
    text = str(error).lower()
    for signs, problem in _NO_CONNECTION:
        if any(sign in text for sign in signs):
            return problem if ": " in problem else f"{problem}: {_line(error)}"
    return f"cannot be reached: {_line(error)}"


def _line(error: psycopg.Error) -> str:
    """What the server or the driver says, in one line."""
    text = error.diag.message_primary or str(error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return first.rpartition("FATAL:")[2].strip().removeprefix("connection failed: ")
