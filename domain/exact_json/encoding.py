"""Writes values as exact JSON: the types that artifacts and parameters share."""

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
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from stackfold.domain.errors.wording import with_article
from stackfold.domain.exact_json.class_finder import type_name

PATH = type(Path())
_LARGEST_INTEGER = 2**53
"""All readers of JSON represent integers up to this one exactly."""

JSON_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
)


class NoExactForm(Exception):
    """A value, or a part of it, cannot be written as exact JSON."""

    def __init__(self, what: str = "") -> None:
        """Create the error.

        Args:
            what: A description of the value or part, such as "a Matrix".
        """
        self.what = what
        super().__init__(what)


class Encoder:
    """Writes values as exact JSON; rejects values of other types than those listed here."""

    def __init__(self) -> None:
        """Create an encoder."""
        self.by_type: dict[type, Callable[[Any], Any]] = {
            NoneType: _unchanged,
            bool: _unchanged,
            str: encoded_str,
            int: _encoded_int,
            float: _encoded_float,
            list: self.items,
            dict: self.dictionary,
            tuple: lambda value: {"$tuple": self.items(list(value))},
            set: lambda value: {"$set": self.sorted_items(value)},
            frozenset: lambda value: {"$frozenset": self.sorted_items(value)},
            bytes: lambda value: {"$bytes": base64.b64encode(value).decode()},
            UUID: lambda value: {"$uuid": value.hex},
            PATH: lambda value: {"$path": encoded_str(str(value))},
            datetime: self.date_and_time,
            date: lambda value: {"$date": value.isoformat()},
            timedelta: encoded_timedelta,
            Decimal: lambda value: {"$decimal": str(value)},
        }

    def encode(self, value: Any) -> Any:
        """Return a value as exact JSON.

        Raises:
            NoExactForm: The value cannot be written.
            RecursionError: The value contains itself, or is nested too deeply.
        """
        kind = type(value)
        encode = self.by_type.get(kind)
        if encode is not None:
            return encode(value)
        return self.instance(kind, value)

    def instance(self, kind: type, value: Any) -> Any:
        """Write a value whose type is not in the table."""
        if issubclass(kind, Enum):
            return self.member(kind, value)
        if dataclasses.is_dataclass(kind):
            return self.data_class(kind, value)
        if issubclass(kind, BaseModel):
            return self.model(kind, value)
        raise NoExactForm(with_article(kind.__name__))

    def items(self, value: list[Any]) -> list[Any]:
        """Write the elements of a list."""
        # Faster than encoding each element, for the most common lists.
        kinds = set(map(type, value))
        if (kinds == {float} and all(map(math.isfinite, value))) or (
            kinds == {str} and all(map(str.isascii, value))
        ):
            return value
        return [self.encode(each) for each in value]

    def sorted_items(self, value: set[Any] | frozenset[Any]) -> list[Any]:
        """Write the elements of a set, in the same order in every process."""
        return sorted(map(self.encode, value), key=JSON_ENCODER.encode)

    def dictionary(self, value: dict[Any, Any]) -> dict[str, Any]:
        """Write a dictionary, as a JSON object if its keys are text without a leading `$`."""
        if all(type(key) is str and key[:1] != "$" and is_text(key) for key in value):
            return {key: self.encode(each) for key, each in value.items()}
        return {"$dict": self.pairs(value)}

    def pairs(self, value: Any) -> list[Any]:
        """Write the keys and values of a dictionary, in their order."""
        return [[self.encode(key), self.encode(each)] for key, each in value.items()]

    def date_and_time(self, value: datetime) -> dict[str, Any]:
        """Write a datetime without a time zone, or with an offset."""
        # ISO 8601 has offsets, but neither names of time zones nor folds.
        if value.fold or not (value.tzinfo is None or is_by_offset(value.tzinfo)):
            raise NoExactForm("a datetime with a named time zone")
        return {"$datetime": value.isoformat()}

    def member(self, kind: type[Enum], value: Enum) -> dict[str, Any]:
        """Write a member of an enumeration."""
        if kind.__members__.get(value.name) is not value:  # a combination of flags is no member
            raise NoExactForm(with_article(kind.__name__))
        return {"$enum": [self.class_name(kind), value.name]}

    def data_class(self, kind: Any, value: Any) -> dict[str, Any]:
        """Write an instance of a data class, by its fields."""
        names = [field.name for field in dataclasses.fields(value)]
        # Other state, such as a cached property or the elements of a list, would be lost.
        if kind.__new__ is not object.__new__ or not getattr(value, "__dict__", {}).keys() <= set(
            names
        ):
            raise NoExactForm(f"{with_article(kind.__name__)} with more than its fields")
        return {"$dataclass": [self.class_name(kind), self.fields(value, names)]}

    def fields(self, value: Any, names: list[str]) -> dict[str, Any]:
        """Write the attributes of a value."""
        try:
            return {name: self.encode(getattr(value, name)) for name in names}
        except AttributeError:
            missing = f"{with_article(type(value).__name__)} without all of its fields"
            raise NoExactForm(missing) from None

    def model(self, kind: type[BaseModel], value: BaseModel) -> dict[str, Any]:
        """Write a pydantic model: its fields, which of them are set, extra and private data."""
        if not vars(value).keys() <= kind.model_fields.keys():
            raise NoExactForm(f"{with_article(kind.__name__)} with more than its fields")
        fields = {name: self.encode(each) for name, each in vars(value).items()}
        return {"$model": [self.class_name(kind), fields, *self.state(value)]}

    def state(self, value: BaseModel) -> list[Any]:
        """Write the state of a model beside its fields."""
        given = sorted(value.model_fields_set)
        return [given, self.encode(value.model_extra), self.encode(value.__pydantic_private__)]

    def class_name(self, kind: type) -> str:
        """Return the name of a class, by which it can be found again."""
        name = type_name(kind)
        # A parametrization of a generic class, or a local class, cannot be looked up.
        if "[" in name or "<" in name:
            raise NoExactForm(with_article(kind.__name__))
        return name


def is_text(value: str) -> bool:
    """Whether UTF-8 can represent a text, which it cannot with a lone surrogate."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def is_by_offset(zone: Any) -> bool:
    """Whether a time zone is an offset without a name."""
    return type(zone) is timezone and zone.tzname(None) == timezone(zone.utcoffset(None)).tzname(
        None
    )


def encoded_str(value: str) -> Any:
    """Write a text; as the numbers of its characters, if UTF-8 cannot represent it."""
    return value if is_text(value) else {"$str": list(map(ord, value))}


def encoded_timedelta(value: timedelta) -> dict[str, Any]:
    """Write a timedelta, by its parts."""
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _unchanged(value: Any) -> Any:
    return value


def _encoded_int(value: int) -> Any:
    if -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
        return value
    # Hexadecimal: Python limits the length of decimal integers.
    return {"$int": hex(value)}


def _encoded_float(value: float) -> Any:
    return value if math.isfinite(value) else {"$float": repr(value)}
