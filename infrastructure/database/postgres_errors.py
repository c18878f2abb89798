"""The errors of PostgreSQL, in terms of what users can do about them."""

import re

import psycopg
from psycopg import errors

from stackfold.domain.errors import LogUnavailable, PermissionDenied

_NO_CONNECTION = (
    (("password", "fe_sendauth"), "rejects the password: give it in PGPASSWORD or in ~/.pgpass"),
    (("too many", "remaining connection slots"), "has no connection left: try again later"),
    (("starting up", "shutting down", "recovery mode"), "is restarting: try again"),
    (
        ("does not exist", "authentication failed", "no pg_hba.conf", "permission denied"),
        "cannot be entered",
    ),
    (("definition of service", "service file"), "belongs to an unknown service"),
    (("certificate", "ssl"), "cannot be reached securely"),
    (("read-only", "read/write", "session is not"), "has no server that can be written to"),
)
"""Parts of a message → the problem; without a colon, the server's message follows."""
_DAMAGED = "is damaged, or of another version: upgrade, or restore it from a backup"
_PROBLEMS = (
    (errors.LockNotAvailable, "is locked by another process: try again when that has ended"),
    (errors.DiskFull, "cannot grow, the server's disk is full: free some space and try again"),
    (errors.ReadOnlySqlTransaction, "is read-only: this server is a copy, or set to be read only"),
    (errors.QueryCanceled, "was interrupted by its server, which ended the statement: try again"),
    (errors.UndefinedTable, _DAMAGED),
    (errors.UndefinedColumn, _DAMAGED),
)

_RESTARTING = (
    *("refused", "starting up", "shutting down", "in recovery mode"),
    *("not yet accepting connections", "closed the connection"),
)


def statement_error(location: str, error: psycopg.Error) -> LogUnavailable:
    """The error for a statement that failed.

    Args:
        location: The database, as messages show it.
        error: The error of the driver.
    """
    for kind, problem in _PROBLEMS:
        if isinstance(error, kind):
            return LogUnavailable(location, problem)
    if isinstance(error, errors.InsufficientPrivilege):
        return PermissionDenied(location, f"does not allow this: {_line(error)}")
    return LogUnavailable(location, f"failed: {_line(error)}")


def connection_error(location: str, error: psycopg.Error) -> LogUnavailable:
    """The error for a connection that could not be opened.

    Args:
        location: The database, as messages show it.
        error: The error of the driver.
    """
    if not isinstance(error, psycopg.OperationalError):
        return LogUnavailable(location, f"cannot be opened: {_line(error)}")
    text = str(error).lower()
    if "permission denied" in text:
        return PermissionDenied(location, f"cannot be entered: {_line(error)}")
    for signs, problem in _NO_CONNECTION:
        if any(sign in text for sign in signs):
            return LogUnavailable(
                location, problem if ": " in problem else f"{problem}: {_line(error)}"
            )
    return LogUnavailable(location, f"cannot be reached: {_line(error)}")


def no_access(location: str, schema: str) -> PermissionDenied:
    """The error for a user without rights to the schema of the log."""
    return PermissionDenied(location, f"does not allow this: permission denied for schema {schema}")


def server_restarts(error: psycopg.Error) -> bool:
    """Whether a connection failed because the server is restarting."""
    text = str(error).lower()
    return any(sign in text for sign in _RESTARTING)


def read_model_missing(error: psycopg.Error) -> bool:
    """Whether a statement failed because the table of a read model is missing."""
    missing = re.search(r'relation "(?:\w+\.)?(\w+)" does not exist', str(error))
    return missing is not None and missing[1] not in ("events", "version")


def _line(error: psycopg.Error) -> str:
    """The message of the server or the driver, in one line."""
    text = error.diag.message_primary or str(error)
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return first.rpartition("FATAL:")[2].strip().removeprefix("connection failed: ")
