"""The page of an error."""

from typing import NamedTuple

from stackfold.domain.errors import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NothingToChange,
    StackfoldError,
    Unavailable,
)

TITLES = {
    400: "Not understood",
    401: "A key is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Read-only",
    409: "Not possible now",
    413: "Too large",
    414: "Too long",
    421: "Another address",
    503: "Not available",
}
_STATUSES = (
    (NotFound, 404),
    (Invalid, 400),
    (Forbidden, 403),
    (Conflict, 409),
    (NothingToChange, 409),
    (Busy, 503),
    (Unavailable, 503),
)


class Problem(NamedTuple):
    """The content of the page."""

    title: str
    sentence: str
    """One line: what is wrong, then what to do."""
    root: str
    """The prefix of the application."""
    again: str
    """The address of the page that needs a key; empty if no key is missing."""


def problem(status: int, sentence: str, root: str, again: str = "") -> Problem:
    """The page of an HTTP status."""
    return Problem(TITLES.get(status, "An error"), sentence, root, again)


def status_of(error: StackfoldError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
