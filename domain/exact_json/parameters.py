"""Parameters: the record of a value, and the value that a function receives for it.

A function receives the value that is read back from the record. So a rerun receives the same: an
equal value of the same type, and a new object that no other code can change.
"""

import base64
import dataclasses
import re
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import datetime, time, timezone
from enum import Enum
from fractions import Fraction
from functools import cached_property
from math import isfinite
from pathlib import PurePosixPath, PureWindowsPath
from types import NoneType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, JsonValue, TypeAdapter

from stackfold.domain.errors import UnknownClass
from stackfold.domain.errors.wording import with_article
from stackfold.domain.exact_json.class_finder import FindClass, is_named_tuple, type_name
from stackfold.domain.exact_json.decoding import FACTORIES, IP_KINDS, Decoder
from stackfold.domain.exact_json.encoding import (
    Encoder,
    NoExactForm,
    encoded_str,
    encoded_timedelta,
    is_by_offset,
)

_NUMPY_SCALARS = (bool, int, float, complex, str, bytes)
_PLAIN_INTEGER = 2**53


class IsSecret(NoExactForm):
    """The value is or contains a secret."""


class Recorded(NamedTuple):
    """A value and its record."""

    value: Any
    """The value as the function receives it."""
    record: JsonValue


def is_trivial(value: object) -> bool:
    """Whether a value is its own record: JSON represents it exactly, and it is immutable."""
    kind = type(value)
    if kind is int:
        return -_PLAIN_INTEGER <= value <= _PLAIN_INTEGER  # type: ignore[operator]
    if kind is float:
        return isfinite(value)  # type: ignore[arg-type]
    return kind is bool or kind is NoneType or (kind is str and value.isascii())  # type: ignore[attr-defined]


def is_secret(kind: type) -> bool:
    """Whether a class contains a secret, like `SecretStr`."""
    return callable(getattr(kind, "get_secret_value", None))


def record_of(
    value: Any, encoder: "ParameterEncoder", adapter: TypeAdapter[Any] | None
) -> Recorded:
    """Record a value.

    Args:
        value: A validated value.
        encoder: Writes the value.
        adapter: The validator of the type hint, which writes values that the encoder cannot.

    Raises:
        NoExactForm: The value cannot be recorded exactly.
        IsSecret: The value is or contains a secret.
    """
    try:
        value = plain_numbers(value)
        written = encoder.encode(value)
    except RecursionError:
        what = f"{with_article(type(value).__name__)} nested too deeply"
        raise NoExactForm(what) from None
    except IsSecret:
        raise
    except NoExactForm:
        written = adapter and _written_by(adapter, value)
        if written is None:
            raise
        written = {"$hinted": encoder.encode(written)}
    return Recorded(read_back(written, encoder.find_written, adapter), written)


def read_back(record: JsonValue, find_class: FindClass, adapter: TypeAdapter[Any] | None) -> Any:
    """Return the value of a record.

    Raises:
        UnknownClass: A class was not found, or its fields have changed.
        ValueError: The record cannot be read.
    """
    if type(record) is not dict and type(record) is not list:
        return record
    by_hint = adapter.validate_python if adapter else None
    return Decoder(find_class, fills_defaults=True, by_hint=by_hint).decode(record)


class ParameterEncoder(Encoder):
    """Writes parameters, which may have more types than artifacts."""

    def __init__(self, find_class: FindClass) -> None:
        """Create an encoder.

        Args:
            find_class: Must find the class of every object that is written.
        """
        super().__init__()
        self._find_class = find_class
        self._classes: dict[str, type] = {}
        self.by_type |= {
            complex: lambda value: {"$complex": [*map(self.encode, (value.real, value.imag))]},
            bytearray: lambda value: {"$bytearray": base64.b64encode(value).decode()},
            PurePosixPath: lambda value: {"$posixpath": encoded_str(str(value))},
            PureWindowsPath: lambda value: {"$windowspath": encoded_str(str(value))},
            time: self.time_of_day,
            ZoneInfo: lambda value: {"$zone": self.zone(value)},
            timezone: lambda value: {"$zone": self.zone(value)},
            Fraction: lambda value: {
                "$fraction": [*map(self.encode, (value.numerator, value.denominator))]
            },
            range: lambda value: {
                "$range": [*map(self.encode, (value.start, value.stop, value.step))]
            },
            re.Pattern: self.pattern,
            OrderedDict: lambda value: {"$ordereddict": self.pairs(value)},
            Counter: lambda value: {"$counter": self.pairs(value)},
            deque: lambda value: {"$deque": [self.items(list(value)), self.encode(value.maxlen)]},
            defaultdict: self.default_dictionary,
        }

    def find_written(self, name: str) -> type:
        """Return a class whose instances were written."""
        return self._classes[name]

    def instance(self, kind: type, value: Any) -> Any:
        if is_secret(kind):
            raise IsSecret("a secret")
        if _is_numpy_scalar(kind):
            plain = value.item()
            if type(plain) in _NUMPY_SCALARS and kind.__name__ not in ("datetime64", "timedelta64"):
                return self.encode(plain)
        if kind.__module__ == "ipaddress" and kind.__name__ in IP_KINDS:
            return {"$ip": [kind.__name__, str(value)]}
        if is_named_tuple(kind):
            return self.named_tuple(kind, value)
        try:
            return super().instance(kind, value)
        except IsSecret:
            raise
        except NoExactForm:
            if not hasattr(kind, "__get_pydantic_core_schema__") and not dataclasses.is_dataclass(
                kind
            ):
                raise
            written = _written_by(_adapter_of(kind), value)
            if written is None:
                raise
            return {"$schema": [self.class_name(kind), self.encode(written)]}

    def items(self, value: list[Any]) -> list[Any]:
        written = super().items(value)
        return list(value) if written is value else written  # the record must not be shared

    def dictionary(self, value: dict[Any, Any]) -> dict[str, Any]:
        written = super().dictionary(value)
        # The log sorts the keys of objects, and the order of a dictionary can matter.
        if "$dict" in written or list(value) == sorted(value):
            return written
        return {"$dict": self.pairs(value)}

    def default_dictionary(self, value: defaultdict[Any, Any]) -> dict[str, Any]:
        """Write a defaultdict whose factory is a built-in class."""
        factory: Any = value.default_factory
        name = str(factory.__name__) if isinstance(factory, type) else None
        if factory is not None and FACTORIES.get(name or "") is not factory:
            raise NoExactForm("a defaultdict with a custom factory")
        return {"$defaultdict": [name, self.pairs(value)]}

    def pattern(self, value: re.Pattern[Any]) -> dict[str, Any]:
        """Write a regular expression, with its flags."""
        return {"$pattern": [self.encode(value.pattern), value.flags]}

    def date_and_time(self, value: datetime) -> dict[str, Any]:
        return self._date_or_time("$datetime", value, value)

    def time_of_day(self, value: time) -> dict[str, Any]:
        """Write a time of day, with its time zone."""
        return self._date_or_time("$time", value, None)

    def _date_or_time(
        self, tag: str, value: datetime | time, at: datetime | None
    ) -> dict[str, Any]:
        zone = value.tzinfo
        if zone is not None and type(zone).__name__ == "TzInfo":
            # pydantic creates this class for a text with an offset.
            offset = zone.utcoffset(at)
            zone = timezone.utc if not offset else timezone(offset)  # noqa: UP017  # a singleton
            value = value.replace(tzinfo=zone)
        if not value.fold and (zone is None or is_by_offset(zone)):
            return {tag: value.isoformat()}
        naive = value.replace(tzinfo=None, fold=0)
        return {tag: [naive.isoformat(), None if zone is None else self.zone(zone), value.fold]}

    def zone(self, value: Any) -> Any:
        """Write a time zone: by its name, or by its offset and name."""
        if type(value) is ZoneInfo and value.key:
            return value.key
        if type(value) is timezone:
            (offset,) = encoded_timedelta(value.utcoffset(None)).values()
            return [offset, None if is_by_offset(value) else value.tzname(None)]
        raise NoExactForm(f"a time zone of the class {type_name(type(value))}")

    def member(self, kind: type[Enum], value: Enum) -> dict[str, Any]:
        try:
            return super().member(kind, value)
        except NoExactForm:
            if type(value.value) is not int:
                raise
            return {"$flags": [self.class_name(kind), self.encode(value.value)]}

    def data_class(self, kind: Any, value: Any) -> dict[str, Any]:
        if kind.__new__ is not object.__new__:
            return super().data_class(kind, value)
        names = [field.name for field in dataclasses.fields(value)]
        more = {
            name: each
            for name, each in getattr(value, "__dict__", {}).items()
            if name not in names and not _is_computed(kind, name)
        }
        written = [self.class_name(kind), self.fields(value, names)]
        return {"$dataclass": [*written, self.fields(value, sorted(more))] if more else written}

    def model(self, kind: type[BaseModel], value: BaseModel) -> dict[str, Any]:
        known = {n: v for n, v in vars(value).items() if not _is_computed(kind, n)}
        if not known.keys() <= kind.model_fields.keys():
            raise NoExactForm(f"{with_article(kind.__name__)} with more than its fields")
        fields = {name: self.encode(each) for name, each in known.items()}
        return {"$model": [self.class_name(kind), fields, *self.state(value)]}

    def named_tuple(self, kind: Any, value: Any) -> dict[str, Any]:
        """Write a named tuple, by its fields."""
        if getattr(value, "__dict__", None):
            raise NoExactForm(f"{with_article(kind.__name__)} with more than its fields")
        fields = {name: self.encode(each) for name, each in zip(kind._fields, value, strict=True)}
        return {"$namedtuple": [self.class_name(kind), fields]}

    def class_name(self, kind: type) -> str:
        name = type_name(kind)
        if self._classes.get(name) is not kind:
            try:
                found = self._find_class(name)
            except UnknownClass:
                found = None
            if found is not kind:
                raise NoExactForm(
                    f"{with_article(kind.__name__)}, a class that cannot be found again by its "
                    "name (define it at the top of a module, or name it in the type hint)"
                )
            self._classes[name] = kind
        return name


def plain_numbers(value: Any) -> Any:
    """Convert scalars of numpy to numbers of Python, including those in collections.

    Returns:
        The same object if it contains no such scalar.
    """
    kind = type(value)
    if _is_numpy_scalar(kind):
        plain = value.item()
        return plain if type(plain) in _NUMPY_SCALARS else value
    if kind in (list, tuple, set, frozenset):
        items = [plain_numbers(each) for each in value]
        return value if all(map(_is, items, value)) else kind(items)
    if kind is dict:
        pairs = {plain_numbers(key): plain_numbers(each) for key, each in value.items()}
        unchanged = all(map(_is, pairs, value)) and all(map(_is, pairs.values(), value.values()))
        return value if unchanged else pairs
    return value


def _is(one: object, other: object) -> bool:
    return one is other


def _is_numpy_scalar(kind: type) -> bool:
    return kind.__module__ == "numpy" and any(
        base.__name__ == "generic" and base.__module__ == "numpy" for base in kind.__mro__
    )


def _is_computed(kind: type, name: str) -> bool:
    """Whether an attribute is a cached property, which need not be recorded."""
    found = next((vars(each)[name] for each in kind.__mro__ if name in vars(each)), None)
    inner = getattr(found, "wrapped", found)  # pydantic's computed fields
    return isinstance(inner, cached_property)


def _adapter_of(kind: Any) -> TypeAdapter[Any] | None:
    try:
        return TypeAdapter(kind)
    except Exception:  # raised by the class while its schema is built
        return None


def _written_by(adapter: TypeAdapter[Any] | None, value: Any) -> Any:
    """Write a value with pydantic; None if pydantic does not read the same value back."""
    if adapter is None:
        return None
    try:
        written = adapter.dump_python(
            value, mode="json", by_alias=True, round_trip=True, warnings=False
        )
        return written if same(adapter.validate_python(written), value) else None
    except Exception:  # raised by a user's class while it is validated or compared
        return None


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and they and their parts have the same types."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind in (list, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if kind is dict:
        return same(list(one.items()), list(other.items()))
    if isinstance(one, BaseModel) or dataclasses.is_dataclass(kind):
        parts = getattr(one, "__dict__", {}), getattr(other, "__dict__", {})
        return bool(one == other) and same(*parts)
    return bool(one == other) and repr(one) == repr(other)
