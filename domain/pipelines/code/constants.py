"""Constants: values of types of the standard library and numpy, as text.

Equal values have the same text in every process, and different values have different texts.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from stackfold.domain.pipelines.code.user_code import module_of, mro, qualname

LARGEST_ARRAY = 64 * 1024
"""Bytes; only its class represents a larger array."""
_LONGEST = 1000
"""Characters or bytes; a digest represents a longer value."""

_PLAIN = {bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented)}
# No user code is called: a value has exactly this type, not a subclass of it.
_KNOWN: dict[type, Callable[[Any], object]] = {
    Decimal: str,
    Fraction: str,
    UUID: str,
    date: repr,
    datetime: lambda value: (value.replace(tzinfo=None, fold=0), value.fold, _zone(value.tzinfo)),
    time: lambda value: (value.replace(tzinfo=None, fold=0), value.fold, _zone(value.tzinfo)),
    timedelta: repr,
    timezone: repr,
    range: repr,
    bytearray: bytes,
    re.Pattern: lambda value: (value.pattern, value.flags),
    object: lambda _: "",
}
# By name, so that their modules are not imported.
_KNOWN_BY_NAME: dict[str, Callable[[Any], object]] = {
    "pathlib.PosixPath": str,
    "pathlib.WindowsPath": str,
    "pathlib.PurePosixPath": str,
    "pathlib.PureWindowsPath": str,
    "pathlib._local.PosixPath": str,
    "pathlib._local.WindowsPath": str,
    "pathlib._local.PurePosixPath": str,
    "pathlib._local.PureWindowsPath": str,
    "zoneinfo.ZoneInfo": lambda value: value.key,
    "array.array": lambda value: (value.typecode, value.tobytes()),
    "ipaddress.IPv4Address": str,
    "ipaddress.IPv6Address": str,
    "ipaddress.IPv4Network": str,
    "ipaddress.IPv6Network": str,
    "string.Template": lambda value: value.template,
    "pandas.Timestamp": lambda value: value.isoformat(),
    "pandas.Timedelta": lambda value: value.isoformat(),
    "pandas._libs.tslibs.timestamps.Timestamp": lambda value: value.isoformat(),
    "pandas._libs.tslibs.timedeltas.Timedelta": lambda value: value.isoformat(),
}


def _zone(zone: Any) -> str:
    if zone is None:
        return "no zone"
    if type(zone) is timezone:
        return repr(zone)
    name = f"{module_of(type(zone))}.{qualname(type(zone))}"
    return f"{name} {zone.key}" if name == "zoneinfo.ZoneInfo" else name


def is_plain(kind: type) -> bool:
    """Whether values of exactly this class refer to no other objects."""
    return kind in _PLAIN


def constant(value: Any) -> str | None:
    """Return a value as text; None if its type is unknown."""
    kind = type(value)
    if kind in _PLAIN:
        return f"{kind.__name__} {_short(value)}"
    known = _KNOWN.get(kind)
    name = f"{module_of(kind)}.{qualname(kind)}"
    if known is None:
        known = _KNOWN_BY_NAME.get(name)
    if known is not None:
        return f"{name.replace('_local.', '')} {_short(known(value))}"
    return _array(value, name) if _is_of_numpy(kind) else None


def _short(value: object) -> str:
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        raw = value if isinstance(value, bytes) else value.encode(errors="backslashreplace")
        return hashlib.sha256(raw).hexdigest()
    return repr(value)


def _is_of_numpy(kind: type) -> bool:
    return module_of(kind) in ("numpy", "numpy.dtypes") and any(
        qualname(each) in ("ndarray", "generic", "dtype") and module_of(each) == "numpy"
        for each in mro(kind)
    )


def _array(value: Any, name: str) -> str | None:
    if not hasattr(value, "tobytes"):  # a dtype
        return f"{name} {value!r}"
    if value.dtype.hasobject or value.nbytes > LARGEST_ARRAY:
        return None
    digest = hashlib.sha256(value.tobytes()).hexdigest()
    return f"{name} {value.dtype.str} {value.shape} {digest}"
