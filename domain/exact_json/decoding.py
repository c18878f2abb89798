"""Reads values from exact JSON. Classes are found, never imported (docs/decisions/0008)."""

import base64
import dataclasses
import ipaddress
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from stackfold.domain.errors import UnknownClass
from stackfold.domain.exact_json.class_finder import FindClass, type_name

FACTORIES: dict[str, type] = {
    kind.__name__: kind for kind in (int, float, str, bool, list, dict, set, tuple)
}
"""The factories that a defaultdict may have."""


class Unloaded:
    """Stands for an object whose class is not loaded, to display it."""

    def __init__(self, name: str, fields: Mapping[str, Any] | str) -> None:
        """Describe an object.

        Args:
            name: The class, as "module.Class".
            fields: Field → value; for a member of an enumeration, its name.
        """
        self.name, self.fields = name, fields

    def __repr__(self) -> str:
        short = self.name.rpartition(".")[2]
        if isinstance(self.fields, str):
            return f"{short}.{self.fields}"
        return f"{short}({', '.join(f'{name}={each!r}' for name, each in self.fields.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unloaded) and (self.name, self.fields) == (
            other.name,
            other.fields,
        )

    def __hash__(self) -> int:
        return hash(self.name)


class Decoder(NamedTuple):
    """Reads values from exact JSON."""

    find_class: FindClass
    """Returns the class with a name."""
    fills_defaults: bool = False
    """Whether missing fields take their defaults, as those that were added to a class later."""
    shows_unknown: bool = False
    """Whether an object becomes an `Unloaded` if its class is not found."""
    by_hint: Callable[[Any], Any] | None = None
    """Reads values that only the type hint of an input can read."""

    def decode(self, written: Any) -> Any:
        """Return the value that exact JSON represents.

        Raises:
            UnknownClass: A class was not found, or its fields have changed.
            ValueError: It is not exact JSON.
        """
        if type(written) is dict:
            return self.decoded({key: self.decode(each) for key, each in written.items()})
        if type(written) is list:
            return [self.decode(each) for each in written]
        return written

    def decoded(self, found: dict[str, Any]) -> Any:
        """Return the value of one JSON object, whose parts are decoded."""
        if len(found) != 1:
            return found
        ((key, value),) = found.items()
        if key[:1] != "$":
            return found
        if key in _DECODE:
            return _DECODE[key](value)
        if key == "$hinted":
            return value if self.by_hint is None else self.by_hint(value)
        if key not in _DECODE_OBJECT:
            raise ValueError(f"a newer version of Stackfold wrote a {key[1:]}")
        name, *content = value
        try:
            kind = self.find_class(name)
            return _DECODE_OBJECT[key](self, kind, *content)
        except UnknownClass:
            if not self.shows_unknown:
                raise
            fields = content[0]
            if isinstance(fields, list):
                fields = {str(number): each for number, each in enumerate(fields)}
            return Unloaded(name, fields if isinstance(fields, dict | str) else {"": fields})

    def data_class(self, kind: Any, fields: dict[str, Any], more: Mapping[str, Any] = {}) -> Any:
        """Create an instance of a data class without calling `__init__`, as copying does."""
        declared = {field.name: field for field in dataclasses.fields(kind)}
        if self.fills_defaults:
            fields = {**_defaults(declared, fields), **fields}
        _must_have(kind, declared.keys(), fields)
        value = object.__new__(kind)
        for name in declared:
            object.__setattr__(value, name, fields[name])
        for name, each in more.items():
            object.__setattr__(value, name, each)
        return value

    def model(
        self, kind: Any, fields: dict[str, Any], given: list[str], extra: Any, private: Any
    ) -> Any:
        """Create a pydantic model without calling its validators."""
        if self.fills_defaults:
            missing = {n: f for n, f in kind.model_fields.items() if n not in fields}
            for name, field in missing.items():
                if not field.is_required():
                    fields[name] = field.get_default(call_default_factory=True, validated_data={})
        _must_have(kind, kind.model_fields.keys(), fields)
        value = kind.__new__(kind)
        kind.__setstate__(
            value,
            {
                "__dict__": {name: fields[name] for name in kind.model_fields},
                "__pydantic_fields_set__": set(given),
                "__pydantic_extra__": extra,
                "__pydantic_private__": private,
            },
        )
        return value

    def member(self, kind: Any, name: str) -> Any:
        """Return a member of an enumeration."""
        if not issubclass(kind, Enum) or name not in kind.__members__:
            raise UnknownClass(f"{type_name(kind)} with a member {name}")
        return kind[name]

    def flags(self, kind: Any, value: Any) -> Any:
        """Return a combination of flags."""
        if not issubclass(kind, Enum):
            raise UnknownClass(f"{type_name(kind)} with flags")
        return kind(value)

    def named_tuple(self, kind: Any, fields: dict[str, Any]) -> Any:
        """Create a named tuple."""
        if self.fills_defaults:
            fields = {**getattr(kind, "_field_defaults", {}), **fields}
        _must_have(kind, set(kind._fields), fields)
        return tuple.__new__(kind, [fields[name] for name in kind._fields])

    def by_schema(self, kind: Any, value: Any) -> Any:
        """Read a value with the pydantic schema of its class."""
        from pydantic import TypeAdapter

        return TypeAdapter(kind).validate_python(value)


def _defaults(declared: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, field in declared.items():
        if name in fields:
            continue
        if field.default is not dataclasses.MISSING:
            found[name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[name] = field.default_factory()
    return found


def _must_have(kind: type, has: Any, fields: dict[str, Any]) -> None:
    if set(has) != fields.keys():
        raise UnknownClass(f"{type_name(kind)} with the fields {', '.join(fields)}")


def _zone(written: Any) -> Any:
    """Read a time zone: its name, or the parts of its offset and its name."""
    if written is None:
        return None
    if isinstance(written, str):
        return ZoneInfo(written)
    offset, name = written
    return timezone(timedelta(*offset)) if name is None else timezone(timedelta(*offset), name)


def _date_or_time(kind: Any, written: Any) -> Any:
    """Read a datetime or time: ISO 8601, or ISO 8601 without a zone, the zone, and the fold."""
    if isinstance(written, str):
        return kind.fromisoformat(written)
    text, zone, fold = written
    return kind.fromisoformat(text).replace(tzinfo=_zone(zone), fold=fold)


def _ip(written: list[Any]) -> Any:
    kind, text = written
    if kind not in IP_KINDS:
        raise ValueError(f"no address is a {kind}")
    return getattr(ipaddress, kind)(text)


IP_KINDS = tuple(f"IPv{n}{kind}" for n in (4, 6) for kind in ("Address", "Interface", "Network"))

_DECODE: dict[str, Callable[[Any], Any]] = {
    "$str": lambda value: "".join(map(chr, value)),
    "$int": lambda value: int(value, 16),
    "$float": float,
    "$complex": lambda value: complex(*value),
    "$dict": dict,
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$bytes": base64.b64decode,
    "$bytearray": lambda value: bytearray(base64.b64decode(value)),
    "$uuid": UUID,
    "$path": Path,
    "$posixpath": PurePosixPath,
    "$windowspath": PureWindowsPath,
    "$datetime": lambda value: _date_or_time(datetime, value),
    "$time": lambda value: _date_or_time(time, value),
    "$zone": _zone,
    "$date": date.fromisoformat,
    "$timedelta": lambda value: timedelta(*value),
    "$decimal": Decimal,
    "$fraction": lambda value: Fraction(*value),
    "$range": lambda value: range(*value),
    "$pattern": lambda value: re.compile(*value),
    "$ordereddict": OrderedDict,
    "$counter": lambda value: Counter(dict(value)),
    "$deque": lambda value: deque(*value),
    "$defaultdict": lambda value: defaultdict(FACTORIES.get(value[0]), value[1]),
    "$ip": _ip,
}

_DECODE_OBJECT: dict[str, Callable[..., Any]] = {
    "$enum": Decoder.member,
    "$flags": Decoder.flags,
    "$dataclass": Decoder.data_class,
    "$model": Decoder.model,
    "$namedtuple": Decoder.named_tuple,
    "$schema": Decoder.by_schema,
}
