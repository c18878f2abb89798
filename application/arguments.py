"""Checks the arguments of public methods, by the names of their parameters.

Type checkers find most mistakes, but not those in values that come from a request. A wrong one is
rejected here in one line, instead of failing somewhere inside with an error of Python.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, Unpack

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import Invalid

C = TypeVar("C", bound=type)

LARGEST = 2**63 - 1
"""The largest number that a database stores."""
_LONGEST_PATH = 4096
_OPERATORS = ("equals", "contains", "startswith", "endswith", "oneof")

Check = Callable[[Any], str]
"""(value) → what to give instead; empty if the value is valid. None is always valid."""


def checked(public: C) -> C:
    """A class decorator: check the arguments of the public methods of a class."""
    for name, member in [*vars(public).items()]:
        if not name.startswith("_"):
            if isinstance(member, classmethod | staticmethod):
                function = _checking(member.__func__, isinstance(member, classmethod))
                setattr(public, name, type(member)(function))
            elif isinstance(member, FunctionType):
                setattr(public, name, _checking(member, True))
    return public


def _checking(function: Callable[..., Any], bound: bool) -> Callable[..., Any]:
    """A function that checks its arguments first; the first one is ignored if it is bound."""
    inner: Any = function
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    code = inner.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    # `after` is a stack in some methods, and a position in others, which check it.
    positions = {name for name, hint in inner.__annotations__.items() if hint is int}
    by_name = {
        name: check
        for name in names
        if (check := _CHECKS.get(name)) and not (check is _text and name in positions)
    }
    if inner.__annotations__.get("pipeline") == (str | None):
        by_name["pipeline"] = _text  # its name
    if "statement" in names:
        by_name.pop("parameters", None)  # those of SQL, which the database checks
    in_order = [(name, by_name.get(name)) for name in names[bound : code.co_argcount]]
    others = _names if _takes_components(inner) else None
    if not by_name and others is None:
        return function

    @wraps(function)
    def checking(*args: Any, **kwargs: Any) -> Any:
        for (name, check), value in zip(in_order, args[bound:], strict=False):
            if check and value is not None:
                _require(name, value, check)
        for name, value in kwargs.items():
            found = by_name.get(name) or (others if name not in names else None)
            if found and value is not None:
                _require(name, value, found)
        return function(*args, **kwargs)

    return checking


def _takes_components(function: Callable[..., Any]) -> bool:
    """Whether the keywords are component types, and not the parameters of a pipeline."""
    hints = function.__annotations__.values()
    return any(getattr(hint, "__origin__", None) is Unpack for hint in hints)


def _require(name: str, value: Any, check: Check) -> None:
    wanted = check(value)
    if wanted:
        shown = "=…" if name in _SECRET else f"={value!r:.100}"
        raise Invalid(f"{name}{shown} is not valid: give {wanted}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return "a text"
    return "" if _encodable(value) else "a text without lone surrogates"


def _recorded(value: Any) -> str:
    # A text that cannot be recorded is rejected with the event that would contain it.
    return "" if isinstance(value, str) else "a text"


def _encodable(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def is_number(value: object, kinds: type[int] | type[float] = int) -> bool:
    """Whether a value is a number, and not a boolean.

    Args:
        value: The value.
        kinds: `int`, or `float` for both.
    """
    return isinstance(value, int | kinds) and not isinstance(value, bool)


def _number(least: int, what: str) -> Check:
    def check(value: Any) -> str:
        return "" if is_number(value) and least <= value <= LARGEST else what

    return check


def _names(value: Any) -> str:
    """A text, or a collection of texts."""
    return "" if isinstance(value, str) and not _text(value) else _texts(value)


def _texts(value: Any) -> str:
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        return "a list of texts"
    return "a list of texts" if any(map(_text, value)) else ""


def _texts_or_flag(value: Any) -> str:
    # An iterator is not read here, since that would exhaust it.
    return "" if isinstance(value, bool) or hasattr(value, "__next__") else _texts(value)


def _fields(value: Any) -> str:
    if not isinstance(value, Mapping):
        return "a dictionary"
    return "a dictionary with texts as keys" if any(map(_text, value)) else ""


def _configuration(value: Any) -> str:
    plain = isinstance(value, Collection | int | float)  # a mapping or text is a collection
    return _fields(value) if plain else ""  # else a `RunConfiguration`


def _labels(value: Any) -> str:
    texts = isinstance(value, Mapping) and [*value, *(each for each in value.values() if each)]
    valid = texts is not False and all(isinstance(each, str) for each in texts)
    return "" if valid else "a dictionary of texts"


def _values(value: Any) -> str:
    wrong = _fields(value) or any(map(_text, value.values()))
    return "a dictionary of texts" if wrong else ""


def _collection(value: Any) -> str:
    wrong = isinstance(value, str | bytes) or not isinstance(value, Collection)
    return "a list" if wrong else ""


def _path(value: Any) -> str:
    text = value if isinstance(value, str) else getattr(value, "__fspath__", lambda: None)()
    if not isinstance(text, str):
        return "a path"
    try:
        # Names of files that are no UTF-8 have surrogates of this kind.
        path = text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return "a path"
    return "" if b"\0" not in path and len(path) <= _LONGEST_PATH else "a path"


def _time(value: Any) -> str:
    long = isinstance(value, timedelta) and value >= timedelta()
    return "" if long else "a timedelta that is not negative"


def _two_revisions(value: Any) -> str:
    pair = isinstance(value, tuple | list) and len(value) == 2
    wrong = not pair or any(_REVISION(each) for each in value if each is not None)
    return "two revisions" if wrong else ""


def _two_moments(value: Any) -> str:
    return "" if isinstance(value, tuple | list) and len(value) == 2 else "two points in the past"


def _detail(value: Any) -> str:
    return "" if value in ("changes", "runs", "all") else '"changes", "runs" or "all"'


def _pipeline(value: Any) -> str:
    return "" if hasattr(value, "graph_for") else "a function that @pipeline decorates"


def _listing(value: Any) -> str:
    if not isinstance(value, Listing):
        return "a Listing"
    if _PAGE(value.page):
        return "a Listing with a page from 1 to 2**63 - 1"
    if value.size is not None and (_SIZE(value.size) or value.page * value.size > LARGEST):
        return "a Listing with a size from 1, whose page ends before row 2**63"
    for moment in (value.since, value.until):
        if moment is not None and _text(moment):
            return "a Listing with texts for since and until"
    if not all(map(_is_condition, value.where)):
        return f"a Listing with conditions by {', '.join(_OPERATORS)}"
    if not all(map(_is_pair, value.labels)):
        return "a Listing with pairs of texts as labels"
    texts = [*value.tags, *(text for pair in value.labels for text in pair), value.sort_by]
    return "a Listing of texts" if any(map(_text, texts)) else ""


def _is_condition(each: object) -> bool:
    if not isinstance(each, Condition):
        return False
    texts = (each.column, each.operator, each.value)
    return not any(map(_text, texts)) and each.operator in _OPERATORS


def _is_pair(each: object) -> bool:
    return isinstance(each, tuple) and len(each) == 2


_PAGE = _SIZE = _number(1, "a number from 1")
_REVISION = _POSITION = _number(-LARGEST, "a whole number")

_SECRET = {"values"}
"""Parameters whose values errors do not show."""

_CHECKS: dict[str, Check] = {
    **dict.fromkeys(("reference", "flavor", "source", "step", "output", "stack"), _text),
    **dict.fromkeys(
        ("by", "kind", "store", "known", "model", "metric", "stack_id", "status"), _text
    ),
    **dict.fromkeys(("name", "description", "why"), _recorded),
    **dict.fromkeys(("attributes", "tags", "kinds"), _texts),
    "grep": _text,
    "detail": _detail,
    **dict.fromkeys(("add", "remove"), _texts_or_flag),
    **dict.fromkeys(("parameters", "metadata", "components"), _fields),
    **dict.fromkeys(("aggregates", "projections", "component_types"), _collection),
    "values": _values,
    "configuration": _configuration,
    **dict.fromkeys(("path", "home", "folder"), _path),
    **dict.fromkeys(("revision", "to", "expected_revision"), _REVISION),
    **dict.fromkeys(("upto", "expected_position"), _POSITION),
    "before": _text,
    "limit": _number(0, "a number from 0"),
    "labels": _labels,
    "listing": _listing,
    "grace": _time,
    "revisions": _two_revisions,
    "pipeline": _pipeline,
}
