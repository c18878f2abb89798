"""Metadata: what is noted of runs, steps and outputs; the one judge of what can be recorded."""

import math
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from stackfold.domain.errors import TooLarge
from stackfold.domain.json_safety import why_not_json
from stackfold.domain.limits import METADATA, must_fit

_AS_TEXT = (UUID, date, time, timedelta, Decimal)
"""Recorded as their text; a datetime is a date."""
_TIMES = ("datetime64", "timedelta64")
"""numpy's, recorded as their text too."""


def valid_metadata(metadata: Mapping[Any, Any]) -> dict[str, JsonValue]:
    """Return metadata as it is recorded, in values that JSON carries.

    Tuples and sets become lists, scalars of numpy and of other array libraries become Python's
    numbers, enumerations their values, paths, dates and UUIDs text, and keys text as in JSON. What
    JSON has no numbers for is recorded as "nan", "inf" and "-inf".

    Raises:
        ValueError: It cannot be recorded; the text says what in it.
    """
    try:
        return _mapping(metadata)
    except RecursionError:
        raise ValueError("holds itself, or is nested too deeply") from None


def recordable_part(metadata: Mapping[Any, Any]) -> tuple[dict[str, JsonValue], list[str]]:
    """Return what can be recorded of metadata, and one line for each entry that cannot."""
    kept: dict[str, JsonValue] = {}
    problems = []
    for key, value in metadata.items():
        try:
            valid = valid_metadata({key: value})
            must_fit("its value", valid, METADATA)
            kept |= valid
        except TooLarge as error:
            problems.append(f"{key!r:.80}: {error}")
        except ValueError as error:
            problems.append(f"{key!r:.80}, which {error}")
    return kept, problems


def _recorded(value: Any) -> JsonValue:
    kind = type(value)
    if kind is str or kind is bool or kind is int or value is None:
        return _checked(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Enum):
        return _recorded(value.value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return [_recorded(each) for each in value]
    if isinstance(value, set | frozenset):
        return _sorted([_recorded(each) for each in value])
    for plain in (str, int, float):
        if isinstance(value, plain):
            return _recorded(plain(value))
    if isinstance(value, _AS_TEXT) or hasattr(value, "__fspath__") or kind.__name__ in _TIMES:
        return _checked(str(value))
    return _recorded(_number(value))


def _mapping(values: Mapping[Any, Any]) -> dict[str, JsonValue]:
    recorded: dict[str, JsonValue] = {}
    for key, value in values.items():
        text = _key(key)
        if text in recorded:
            raise ValueError(f"is or holds the key {text!r} twice, as text and as something else")
        recorded[text] = _recorded(value)
    return recorded


def _key(key: Any) -> str:
    """A key as text, as JSON writes it: `0` becomes "0"."""
    if type(key) is str:
        return str(_checked(key))
    recorded = key if isinstance(key, tuple) else _recorded(key)
    match recorded:
        case str():
            return recorded
        case None | bool():
            return {None: "null", True: "true", False: "false"}[recorded]
        case int() | float():
            return str(recorded)
    raise ValueError(f"is or holds the key {key!r:.60}, which is no text")


def _number(value: Any) -> bool | int | float:
    """The Python number in a scalar of numpy or the like, whose library is not imported for it."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        try:
            found = item()
            if not isinstance(found, bool | int | float):
                found = float(found)  # a long double stays one
        except Exception:  # whatever a library raises that cannot
            found = None
        if isinstance(found, bool | int | float):
            return found
    raise ValueError(f"is or holds {why_not_json(value)}, which JSON cannot carry")


def _checked(value: Any) -> JsonValue:
    problem = why_not_json(value)
    if problem:
        raise ValueError(f"is or holds {problem}, which JSON cannot carry")
    return value  # type: ignore[no-any-return]


def _sorted(values: list[JsonValue]) -> list[JsonValue]:
    """The values of a set in an order that is the same in every process."""
    try:
        return sorted(values)  # type: ignore[type-var]
    except TypeError:
        return sorted(values, key=repr)
