"""Displays values: as text that shows their types, or as plain JSON for other tools."""

import dataclasses
import math
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from stackfold.domain.exact_json.class_finder import is_model, is_named_tuple
from stackfold.domain.exact_json.decoding import Unloaded

_LONGEST_INTEGER = 10_000
"""Bits; Python limits the length of decimal integers."""
_PLAIN = {str, int, bool, type(None)}
"""Types whose values JSON represents as they are."""


def text_of(value: Any) -> str:
    """A value as text, similar to its `repr`; equal texts mean equal values of equal types."""
    fields = _fields(value)
    if fields is not None:
        return f"{_name(value)}({', '.join(f'{n}={text_of(v)}' for n, v in fields.items())})"
    match value:
        case Enum():
            return f"{type(value).__qualname__}.{value.name}"
        case int() if not isinstance(value, bool):
            return _integer(value)
        case list():
            return f"[{', '.join(map(text_of, value))}]"
        case tuple():
            return f"({', '.join(map(text_of, value))}{',' if len(value) == 1 else ''})"
        case set() | frozenset():
            return f"{type(value).__name__}({', '.join(sorted(map(text_of, value)))})"
        case dict():
            pairs = ", ".join(f"{text_of(key)}: {text_of(each)}" for key, each in value.items())
            kind = "" if type(value) is dict else type(value).__name__
            return f"{kind}{{{pairs}}}"
        case PurePath():
            kind = type(value).__name__.replace("PosixPath", "Path").replace("WindowsPath", "Path")
            return f"{kind}({str(value)!r})"
        case date() | time():
            return f"{type(value).__name__}({_date_or_time(value)})"
    return repr(value)


def plain_or_text(value: Any) -> Any:
    """The value if JSON can represent it, otherwise its text."""
    return value if _is_plain(value) else text_of(value)


def readable(value: Any) -> Any:
    """A value as plain JSON for people and other tools; its type may be lost."""
    fields = _fields(value)
    if fields is not None:
        value = fields
    match value:
        case Enum() | bytes() | bytearray():
            return text_of(value)
        case None | bool():
            return value
        case str():
            return value if value.isascii() else value.encode(errors="backslashreplace").decode()
        case int():
            return value if value.bit_length() <= _LONGEST_INTEGER else hex(value)
        case float():
            return value if math.isfinite(value) else repr(value)
        case Mapping():
            return {
                readable(key) if isinstance(key, str) else text_of(key): readable(each)
                for key, each in value.items()
            }
        case list() | tuple():
            return [*map(readable, value)]
        case set() | frozenset():
            return [readable(each) for each in sorted(value, key=text_of)]
        case date() | time():
            return _date_or_time(value)
        case PurePath() | Decimal() | Fraction() | UUID() | timedelta() | complex():
            return readable(str(value))
    return readable(str(value))


def _integer(value: int) -> str:
    return repr(value) if value.bit_length() <= _LONGEST_INTEGER else hex(value)


def _date_or_time(value: date | time) -> str:
    """ISO 8601, with the name of the time zone if it has one."""
    zone = getattr(getattr(value, "tzinfo", None), "key", None)
    fold = " fold=1" if isinstance(value, datetime | time) and value.fold else ""
    return f"{value.isoformat()}{f'[{zone}]' if zone else ''}{fold}"


def _name(value: Any) -> str:
    if isinstance(value, Unloaded):
        return value.name.rpartition(".")[2]
    return type(value).__qualname__.rpartition(".")[2]


def _fields(value: Any) -> Mapping[str, Any] | None:
    """The fields of an object; None if its type has no fields."""
    kind = type(value)
    if kind is Unloaded:
        return value.fields if isinstance(value.fields, Mapping) else None
    if isinstance(value, Enum):
        return None
    if dataclasses.is_dataclass(kind):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if is_named_tuple(kind):
        return dict(zip(kind._fields, value, strict=False))
    if is_model(kind):
        return {**vars(value), **(value.model_extra or {})}
    return None


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is list:
        return _are_plain(value)
    if kind is dict:
        return {*map(type, value)} <= {str} and _are_plain(value.values())
    if kind is float:
        return math.isfinite(value)
    return kind in _PLAIN


def _are_plain(values: Collection[Any]) -> bool:
    # There may be a million, such as the rows of a parameter.
    return _PLAIN.issuperset(map(type, values)) or all(map(_is_plain, values))
