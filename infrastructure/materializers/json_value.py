"""Plain values, data classes and pydantic models, as JSON that keeps their types.

What JSON has is written as it is. Anything else is an object with one key that begins with `$`:
`{"$tuple": [1, 2]}`; so is a dictionary that could be mistaken for one. A value that holds
anything not listed here is not for this materializer.
"""

import base64
import dataclasses
import json
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO
from uuid import UUID

from pydantic import BaseModel

from stackfold.application.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.class_finder import FindClass, type_name
from stackfold.domain.errors import UnknownClass

_PATH = type(Path())
_LARGEST_INTEGER = 2**53
"""Up to here every reader of JSON agrees on what an integer is."""


class JsonMaterializer(Materializer):
    """Writes None, bool, int, float, str, list, dict, tuple, set and what is made of them."""

    name = "json"

    def prepare(self, value: object) -> WriteValue | None:
        try:
            text = _ENCODER.encode(_encoded(value))
        except (_NotJson, RecursionError):
            return None

        def write(file: ArtifactWriter) -> None:
            file.write(text.encode())

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        data = file.read()
        if b'"$' not in data:
            return json.loads(data)
        return json.loads(data, object_hook=lambda found: _decoded(found, find_class))


class _NotJson(Exception):
    """Something in the value has no exact form here."""


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
)


def _encoded(value: Any) -> Any:
    kind = type(value)
    encode = _ENCODE.get(kind)
    if encode is not None:
        return encode(value)
    if issubclass(kind, Enum):
        return _encoded_member(value)
    if dataclasses.is_dataclass(kind):
        return _encoded_dataclass(value)
    if issubclass(kind, BaseModel):
        return _encoded_model(value)
    raise _NotJson


def _as_it_is(value: Any) -> Any:
    return value


def _is_text(value: str) -> bool:
    """Whether UTF-8 can carry it: half a surrogate pair it cannot."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _encoded_str(value: str) -> Any:
    return value if _is_text(value) else {"$str": list(map(ord, value))}


def _encoded_list(value: list[Any]) -> list[Any]:
    # One look at all the types saves a look at each element.
    kinds = set(map(type, value))
    if (kinds == {float} and all(map(math.isfinite, value))) or (
        kinds == {str} and all(map(str.isascii, value))
    ):
        return value
    return [_encoded(each) for each in value]


def _encoded_dict(value: dict[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str and key[:1] != "$" and _is_text(key) for key in value):
        return {key: _encoded(each) for key, each in value.items()}
    return {"$dict": [[_encoded(key), _encoded(each)] for key, each in value.items()]}


def _encoded_set(value: set[Any] | frozenset[Any]) -> list[Any]:
    # Sorted by their text, so that equal sets are equal bytes.
    return sorted(map(_encoded, value), key=_ENCODER.encode)


def _encoded_int(value: int) -> Any:
    if -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
        return value
    # Hexadecimal: Python refuses to read or write very long decimal ones.
    return {"$int": hex(value)}


def _encoded_float(value: float) -> Any:
    return value if math.isfinite(value) else {"$float": repr(value)}


def _encoded_datetime(value: datetime) -> dict[str, Any]:
    zone = value.tzinfo
    # ISO 8601 knows offsets, but neither the names of time zones nor which of two equal times.
    by_offset = type(zone) is timezone and zone.tzname(None) == timezone(
        zone.utcoffset(None)
    ).tzname(None)
    if value.fold or not (zone is None or by_offset):
        raise _NotJson
    return {"$datetime": value.isoformat()}


def _encoded_timedelta(value: timedelta) -> dict[str, Any]:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _encoded_member(value: Enum) -> dict[str, Any]:
    kind = type(value)
    if kind.__members__.get(value.name) is not value:  # two flags at once have no such name
        raise _NotJson
    return {"$enum": [_found_again(kind), value.name]}


def _encoded_dataclass(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    names = [field.name for field in dataclasses.fields(value)]
    # What is not a field, such as a cached property or the content of a list, has no place here.
    if kind.__new__ is not object.__new__ or not getattr(value, "__dict__", {}).keys() <= set(
        names
    ):
        raise _NotJson
    try:
        fields = {name: _encoded(getattr(value, name)) for name in names}
    except AttributeError:
        raise _NotJson from None
    return {"$dataclass": [_found_again(kind), fields]}


def _encoded_model(value: BaseModel) -> dict[str, Any]:
    kind = type(value)
    if not vars(value).keys() <= kind.model_fields.keys():
        raise _NotJson
    fields = {name: _encoded(each) for name, each in vars(value).items()}
    given = sorted(value.model_fields_set)
    rest = [_encoded(value.model_extra), _encoded(value.__pydantic_private__)]
    return {"$model": [_found_again(kind), fields, given, *rest]}


def _found_again(kind: type) -> str:
    """The class's name, if it leads back to the class."""
    name = type_name(kind)
    # A variant of a generic class, or a class made inside a function, cannot be looked up.
    if "[" in name or "<" in name:
        raise _NotJson
    return name


def _decoded(found: dict[str, Any], find_class: FindClass) -> Any:
    if len(found) != 1:
        return found
    ((key, value),) = found.items()
    if key in _DECODE:
        return _DECODE[key](value)
    match key:
        case "$enum":
            return find_class(value[0])[value[1]]  # type: ignore[index]
        case "$dataclass":
            return _decoded_dataclass(find_class(value[0]), value[1])
        case "$model":
            return _decoded_model(find_class(value[0]), *value[1:])
    return found


def _decoded_dataclass(kind: Any, fields: dict[str, Any]) -> Any:
    _must_have(kind, {field.name for field in dataclasses.fields(kind)}, fields)
    value = object.__new__(kind)
    # As copying does, past __init__: it may compute, or take what is not a field.
    for name, each in fields.items():
        object.__setattr__(value, name, each)
    return value


def _decoded_model(
    kind: Any, fields: dict[str, Any], given: list[str], extra: Any, private: Any
) -> Any:
    _must_have(kind, set(kind.model_fields), fields)
    value = kind.__new__(kind)
    state = {
        "__dict__": fields,
        "__pydantic_fields_set__": set(given),
        "__pydantic_extra__": extra,
        "__pydantic_private__": private,
    }
    BaseModel.__setstate__(value, state)
    return value


def _must_have(kind: type, has: set[str], fields: dict[str, Any]) -> None:
    if has != fields.keys():
        raise UnknownClass(f"{type_name(kind)} with the fields {', '.join(fields)}")


_ENCODE: dict[type, Callable[[Any], Any]] = {
    NoneType: _as_it_is,
    bool: _as_it_is,
    str: _encoded_str,
    int: _encoded_int,
    float: _encoded_float,
    list: _encoded_list,
    dict: _encoded_dict,
    tuple: lambda value: {"$tuple": _encoded_list(list(value))},
    set: lambda value: {"$set": _encoded_set(value)},
    frozenset: lambda value: {"$frozenset": _encoded_set(value)},
    bytes: lambda value: {"$bytes": base64.b64encode(value).decode()},
    UUID: lambda value: {"$uuid": value.hex},
    _PATH: lambda value: {"$path": _encoded_str(str(value))},
    datetime: _encoded_datetime,
    date: lambda value: {"$date": value.isoformat()},
    timedelta: _encoded_timedelta,
    Decimal: lambda value: {"$decimal": str(value)},
}

_DECODE: dict[str, Callable[[Any], Any]] = {
    "$str": lambda value: "".join(map(chr, value)),
    "$int": lambda value: int(value, 16),
    "$float": float,
    "$dict": dict,
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$bytes": base64.b64decode,
    "$uuid": UUID,
    "$path": Path,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$timedelta": lambda value: timedelta(*value),
    "$decimal": Decimal,
}
