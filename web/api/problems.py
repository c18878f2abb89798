"""Errors as objects: problem details as of RFC 9457."""

from http import HTTPStatus
from typing import Any, NamedTuple

from stackfold.domain.errors import StackfoldError
from stackfold.web.api.values import plain
from stackfold.web.pages.problem import status_of

MEDIA_TYPE = "application/problem+json"

_BASES = {
    "Busy",
    "Conflict",
    "Damaged",
    "Failed",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Unavailable",
}


class Problem(NamedTuple):
    """An error."""

    type: str
    """A URI that identifies the code: "urn:stackfold:error:" and the code."""
    title: str
    """The phrase of the HTTP status."""
    status: int
    """The HTTP status."""
    detail: str
    """One line: what is wrong, then what to do."""
    code: str
    """The class of the error in `stackfold.errors`, such as "AsOfOutOfRange"; for errors of HTTP
    itself the phrase of the status, such as "Unauthorized"."""
    kind: str
    """The base class to catch it by, such as "NotFound", "Invalid" or "Unavailable"; for errors of
    HTTP itself the same as the code."""
    data: dict[str, Any]
    """The attributes of the error, as `stackfold.errors` documents them."""


def problem_of(error: StackfoldError) -> Problem:
    """The problem that an error is."""
    kind = next((each.__name__ for each in type(error).__mro__ if each.__name__ in _BASES), "")
    data = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    code = type(error).__name__
    return _problem(status_of(error), str(error), code, kind or code, plain(data))


def http_problem(status: int, sentence: str) -> Problem:
    """The problem of a request that reached no operation.

    Args:
        status: The HTTP status.
        sentence: What is wrong, then what to do.
    """
    code = "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())
    return _problem(status, sentence, code, code, {})


def _problem(status: int, sentence: str, code: str, kind: str, data: dict[str, Any]) -> Problem:
    title = HTTPStatus(status).phrase
    return Problem(f"urn:stackfold:error:{code}", title, status, sentence, code, kind, data)
