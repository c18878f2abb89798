"""Output check: whether the return value of a step matches the type hints of its outputs.

Only the outermost type of a value is checked: a list of strings matches `list[int]`. Hints that
`isinstance` cannot decide, such as protocols and type variables, match every value. The check
imports nothing: classes of numpy and pandas are recognized by their names.
"""

from collections import abc
from collections.abc import Sequence
from datetime import date, timedelta
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from stackfold.domain.errors import OutputMismatch
from stackfold.domain.errors.wording import with_article
from stackfold.domain.exact_json.class_finder import type_name
from stackfold.domain.pipelines.hints import hint_text, is_typed_dict
from stackfold.domain.pipelines.signature import OutputDefinition

MISMATCH: Any = object()
"""Stands for a value that does not match its hint."""

_UNDECIDED = {abc.Callable, abc.Iterator, abc.Generator, abc.Awaitable, abc.Coroutine,
              abc.AsyncIterable, abc.AsyncIterator, abc.AsyncGenerator}  # fmt: skip
_MARKERS = ("pydantic", "pydantic_extra_types", "pandera")
"""Packages whose classes stand for values of other classes in hints, as `EmailStr` for a string."""
_RANKS = {bool: 0, int: 1, float: 2, complex: 3}
_NUMPY_RANKS = {"bool": 0, "bool_": 0, "integer": 1, "floating": 2, "complexfloating": 3}
_NEVER = 9


def checked_outputs(
    step: str, declared: Sequence[OutputDefinition], returned: Any
) -> list[tuple[str, Any]]:
    """Check the return value of a step; return (output, value) pairs, with numbers converted.

    Args:
        step: The name of the step in its run.
        declared: The outputs of the step.
        returned: The return value of its function.

    Raises:
        OutputMismatch: The number of values is wrong, or a value does not match its hint.
    """
    if not declared:
        if returned is not None:
            raise OutputMismatch(step, f"{_a(type(returned))} where it declares None")
        return []
    values = named_outputs(step, declared, returned)
    if len(declared) > 1 and not isinstance(returned, tuple):
        names = ", ".join(each.name for each in declared)
        problem = f"{_a(type(returned))} where it declares {names}: return a tuple"
        raise OutputMismatch(step, problem)
    return [
        (name, _checked(step, each, value, len(declared) > 1))
        for (name, value), each in zip(values, declared, strict=True)
    ]


def named_outputs(
    step: str, declared: Sequence[OutputDefinition], returned: Any
) -> list[tuple[str, Any]]:
    """Return (output, value) pairs for the return value of a step, without checking types.

    Raises:
        OutputMismatch: The number of values is wrong.
    """
    names = [each.name for each in declared]
    if len(names) <= 1:
        return [(name, returned) for name in names]
    if not isinstance(returned, tuple | list) or len(returned) != len(names):
        count = len(returned) if isinstance(returned, tuple | list) else 1
        problem = f"{count} values" if count != 1 else _a(type(returned))
        raise OutputMismatch(step, f"{problem} where it declares {', '.join(names)}")
    return list(zip(names, returned, strict=True))


def _checked(step: str, declared: OutputDefinition, value: Any, several: bool) -> Any:
    matching = matched(declared.type, value)
    if matching is MISMATCH:
        what = f" as {declared.name!r}" if several else ""
        problem = f"{_a(type(value))}{what} where it declares {hint_text(declared.type)}"
        raise OutputMismatch(step, f"{problem}: correct one of them, or set check_outputs=False")
    return matching


def matched(hint: Any, value: Any) -> Any:
    """Return a value as the type that a hint declares; MISMATCH if it does not match.

    Only numbers are converted, and only to an equal number: 3 becomes 3.0 for `float`, while
    `2**60 + 1` remains an integer.
    """
    if hint is Any or hint is object or type(value) is hint:
        return value
    try:
        return _matched(hint, value)
    except (TypeError, NameError, AttributeError, RecursionError):
        return value  # the hint cannot be evaluated


def _matched(hint: Any, value: Any) -> Any:
    if hint is None or hint is NoneType:
        return value if value is None else MISMATCH
    if isinstance(hint, type) and not isinstance(hint, GenericAlias):
        return _by_class(hint, value)
    origin = get_origin(hint)
    if origin is Annotated:
        return matched(get_args(hint)[0], value)
    if origin is Union or origin is UnionType:
        return _by_parts(get_args(hint), value)
    if origin is Literal:
        return _by_literals(get_args(hint), value)
    if isinstance(origin, type):
        return _by_class(origin, value)
    target = _target(hint)
    return value if target is None else matched(target, value)


def _target(hint: Any) -> Any:
    """The base of a NewType, or the value of a type alias; None for other hints."""
    if type(hint).__name__ == "TypeAliasType":
        return hint.__value__
    if type(get_origin(hint)).__name__ == "TypeAliasType":
        return get_origin(hint).__value__
    return getattr(hint, "__supertype__", None)


def _by_class(kind: type, value: Any) -> Any:
    if kind in _UNDECIDED or getattr(kind, "_is_protocol", False) or _is_marker(kind):
        return value
    if is_typed_dict(kind):
        return value if isinstance(value, dict) else MISMATCH
    rank = _rank(kind) if kind in _RANKS or kind.__module__ == "numpy" else _NEVER
    if rank != _NEVER:
        return _by_number(kind, rank, value)
    if isinstance(value, kind) or _is_redefined(kind, type(value)):
        return value
    return value if _is_missing_time(kind, type(value)) else MISMATCH


def _by_parts(parts: Sequence[Any], value: Any) -> Any:
    found = []
    for part in parts:
        matching = matched(part, value)
        if matching is value:
            return value
        if matching is not MISMATCH:
            found.append(matching)
    rank = _rank(type(value))
    # For `float | int`, an integer of numpy becomes an integer.
    return min(found, key=lambda each: _rank(type(each)) != rank, default=MISMATCH)


def _by_literals(literals: Sequence[Any], value: Any) -> Any:
    kind = type(value)
    for each in literals:
        alike = kind is type(each) or (
            isinstance(value, type(each)) if isinstance(each, str | bytes)
            else _rank(kind) == _rank(type(each)) != _NEVER
        )  # fmt: skip
        if alike and value == each:
            return value if kind is type(each) else each
    return MISMATCH


def _by_number(kind: type, rank: int, value: Any) -> Any:
    if _rank(type(value)) > rank:
        return MISMATCH
    numpy = type(value).__module__ == "numpy"
    if isinstance(value, kind) and (kind.__module__ == "numpy" or not numpy):
        return value
    plain = value.item() if numpy else value
    try:
        converted: Any = kind(value)
        same = converted.item() if kind.__module__ == "numpy" else converted
    except (TypeError, ValueError, OverflowError):  # an abstract class, or out of range
        return value
    if same == plain or str(same) == str(plain) == "nan":
        return converted
    return plain if type(plain) in _RANKS else value


def _rank(kind: type) -> int:
    """The rank of a numeric class: numbers match hints of the same rank or a higher one."""
    for base in kind.__mro__:
        if base in _RANKS:
            return _RANKS[base]
        if base.__module__ == "numpy":
            if base.__name__ == "timedelta64":
                return _NEVER
            if base.__name__ in _NUMPY_RANKS:
                return _NUMPY_RANKS[base.__name__]
    return _NEVER


def _is_marker(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _MARKERS and not issubclass(kind, BaseModel)


def _is_redefined(kind: type, found: type) -> bool:
    """Whether two classes come from one definition that was executed again, as in a notebook."""
    name = kind.__qualname__
    return any(
        base.__qualname__ == name and type_name(base) == type_name(kind) for base in found.__mro__
    )


def _is_missing_time(kind: type, found: type) -> bool:
    """Whether a value is `pandas.NaT`, which stands for a missing time or duration of any class."""
    if found.__name__ != "NaTType" or not found.__module__.startswith("pandas"):
        return False
    return issubclass(kind, date | timedelta) or kind.__name__ == "Period"


def _a(kind: type) -> str:
    return with_article(hint_text(kind))
