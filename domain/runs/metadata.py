"""Metadata: values that users add to runs, steps and artifacts, converted to JSON."""

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
"""Recorded as text; includes datetimes, which are dates."""
_TIMES = ("datetime64", "timedelta64")
"""Classes of numpy that are also recorded as text."""


def valid_metadata(metadata: Mapping[Any, Any]) -> dict[str, JsonValue]:
    """Return metadata as JSON values, as they are recorded.

    Tuples and sets become lists. Scalars of numpy and other array libraries become numbers of
    Python; members of enumerations, their values; paths, dates and UUIDs, text; keys, text. Numbers
    that JSON does not have become "nan", "inf" and "-inf".

    Raises:
        ValueError: A value cannot be recorded; the message says which.
    """
    try:
        return _mapping(metadata)
    except RecursionError:
        raise ValueError("contains itself, or is nested too deeply") from None


def recordable_part(metadata: Mapping[Any, Any]) -> tuple[dict[str, JsonValue], list[str]]:
    """Return the entries that can be recorded, and a line of text for each of the others."""
    valid: dict[str, JsonValue] = {}
    problems = []
    for key, value in metadata.items():
        try:
            entry = valid_metadata({key: value})
            must_fit("its value", entry, METADATA)
            valid |= entry
        except TooLarge as error:
            problems.append(f"{key!r:.80}: {error}")
        except ValueError as error:
            problems.append(f"{key!r:.80}, which {error}")
    return valid, problems


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
            raise ValueError(f"is or contains the key {text!r} twice, as text and as another type")
        recorded[text] = _recorded(value)
    return recorded


def _key(key: Any) -> str:
    """A key as text, like in JSON: `0` becomes "0"."""
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
    raise ValueError(f"is or contains the key {key!r:.60}, which is not text")


def _number(value: Any) -> bool | int | float:
    """The number in a scalar of numpy or a similar library, without importing the library."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        try:
            found: Any = item()
            if not isinstance(found, bool | int | float):
                found = float(found)  # `item` returns a long double unchanged
        except Exception:  # raised by the library
            found = None
        if isinstance(found, bool | int | float):
            return found
    raise ValueError(f"is or contains {why_not_json(value)}, which JSON cannot represent")


def _checked(value: Any) -> JsonValue:
    problem = why_not_json(value)
    if problem:
        raise ValueError(f"is or contains {problem}, which JSON cannot represent")
    return value  # type: ignore[no-any-return]


def _sorted(values: list[JsonValue]) -> list[JsonValue]:
    """The values of a set, in the same order in every process."""
    try:
        return sorted(values)  # type: ignore[type-var]
    except TypeError:
        return sorted(values, key=repr)
