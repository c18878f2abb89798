"""One-line messages for the errors of MLflow's client."""

import errno
import re
import sys

_BY_TEXT = {
    "NameResolutionError": "there is no such host: correct tracking_uri",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted",
    "NewConnectionError": "nothing answers: start it, or correct tracking_uri",
    "Connection refused": "nothing answers: start it, or correct tracking_uri",
    "timed out": "it did not answer in time",
    "Timeout": "it did not answer in time",
    "too many 5": "it answers with server errors",
    "too many 429": "it is overloaded and asks to slow down",
    "Connection aborted": "the connection was cut",
    "RemoteDisconnected": "the connection was cut",
    "Max retries exceeded": "nothing answers: start it, or correct tracking_uri",
    "database is locked": "another process is writing to it for too long",
    "disk is full": "the disk is full: free some space",
    "readonly database": "it is read-only: make it writable",
    "disk image is malformed": "the database is damaged: restore it from a backup",
    "unable to open database file": "it cannot be opened: correct tracking_uri",
    "out-of-date database schema": "another version of MLflow created the database: back it up, "
    "then run `mlflow db upgrade`",
    "You are not authenticated": "access is denied: correct the user's name, password or token",
}
_DENIED = "access is denied: correct the user's name, password or token"
_BY_STATUS = {
    401: _DENIED,
    403: "access is denied: this user may not do that",
    404: "it is no MLflow server: correct tracking_uri",
    429: "it is overloaded and asks to slow down",
}
_UNKNOWN = {"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE"}
"""Error codes of a working server, for invalid requests."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_ANSWERED = re.compile(r"failed with error code (\d{3})|^(\d{3}) (?:Client|Server) Error")


def problem(error: Exception) -> str:
    """Return why the server is unavailable; empty if it rejected the request.

    Args:
        error: The error that MLflow's client raised.
    """
    code = getattr(error, "error_code", "")
    text = str(error)
    if code in _UNKNOWN:
        return ""
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"{error.strerror}: free some space, or make it writable"
    for text_part, message in _BY_TEXT.items():
        if text_part in text:
            return message
    answered = _ANSWERED.search(text)
    status = int(answered[1] or answered[2]) if answered else _status(error)
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return f"it answers {status}, a server error"
    return ""


def _status(error: Exception) -> int:
    try:
        return int(error.get_http_status_code())  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        return 0


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, at most 200 characters."""
    return str(error).strip().partition("\n")[0][:200]


def database_errors() -> tuple[type[Exception], ...]:
    """The class of errors of MLflow's database, if one is used."""
    module = sys.modules.get("sqlalchemy.exc")
    return (module.SQLAlchemyError,) if module else ()
