"""The JSON of the log: sorted keys, no spaces, UTF-8, written by orjson.

`domain.canonical_json` writes floats with exponents differently (1e+16 where orjson writes 1e16).
Hashes of stored events depend on the bytes, so neither can replace the other: decision 0041.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from stackfold.domain.errors import Unrecordable

if TYPE_CHECKING:
    from pydantic import BaseModel

_EVENT = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def canonical_json(value: Any) -> bytes:
    """A value that is JSON already, as the log and the columns of read models store it."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def event_json(topic: str, state: dict[str, Any]) -> bytes:
    """The fields of an event as the log stores them.

    Args:
        topic: The topic of the event, for the error.
        state: Field → value, which may contain datetimes and pydantic models.

    Raises:
        Unrecordable: JSON cannot represent a value in it.
    """
    try:
        text = orjson.dumps(state, default=_plain, option=_EVENT)
    except orjson.JSONEncodeError as error:
        # A lone surrogate, as in a file name of another encoding, or an integer over 64 bits.
        raise Unrecordable(topic, str(error)) from None
    empty = [*state.values()].count(None)
    if text.count(b"null") != empty and not _finite(state):
        # orjson writes null for an infinite number.
        raise Unrecordable(topic, "JSON has no infinite numbers")
    return text


def _finite(state: dict[str, Any]) -> bool:
    """Whether every number in `state` is finite."""
    from pydantic import BaseModel  # late: an export writes JSON without it

    waiting: list[Any] = [state]
    while waiting:
        match waiting.pop():
            case float() as number:
                if not isfinite(number):
                    return False
            case dict() as fields:
                waiting += fields.values()
            case list() | tuple() as values:
                waiting += values
            case BaseModel() as model:
                waiting += vars(model).values()
    return True


def set_fields(value: BaseModel) -> dict[str, Any]:
    """Field → value, without the `LATER_FIELDS` that have their default.

    Args:
        value: An event, or a value in one.
    """
    fields = vars(value)
    later = _later(type(value))
    if not later:
        return fields
    omitted = [name for name, default in later if fields[name] == default]
    return {name: each for name, each in fields.items() if name not in omitted}


@cache
def _later(kind: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    """The later fields of a class, with their defaults."""
    later: Set[str] = getattr(kind, "LATER_FIELDS", frozenset())
    return tuple(
        (name, kind.model_fields[name].get_default(call_default_factory=True))
        for name in sorted(later)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        # Not `to_rfc3339`: stored events have the offset, and no fraction where it is zero.
        return value.astimezone(UTC).isoformat()
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return set_fields(value)
    raise TypeError(f"{type(value).__name__} is no part of an event")
