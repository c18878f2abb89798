"""Output check: whether what a step returned fits the type hints of its outputs.

Only the outermost kind of a value is compared: a list of text fits `list[int]`. Hints that
`isinstance` cannot decide, such as protocols and type variables, take every value. The check
imports nothing: classes of numpy and pandas are known by their names.
"""

from collections import abc
from collections.abc import Sequence
from datetime import date, timedelta
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from stackfold.domain.errors import OutputMismatch
from stackfold.domain.errors.wording import with_article
from stackfold.domain.pipelines.class_finder import type_name
from stackfold.domain.pipelines.hints import hint_text, is_typed_dict
from stackfold.domain.pipelines.signature import OutputDefinition

MISFIT: Any = object()
"""Stands for a value that does not fit."""

_UNDECIDED = {abc.Callable, abc.Iterator, abc.Generator, abc.Awaitable, abc.Coroutine,
              abc.AsyncIterable, abc.AsyncIterator, abc.AsyncGenerator}  # fmt: skip
_MARKERS = ("pydantic", "pydantic_extra_types", "pandera")
"""Packages with classes that stand in hints for values of another class, as `EmailStr` for text."""
_RANKS = {bool: 0, int: 1, float: 2, complex: 3}
_NUMPY_RANKS = {"bool": 0, "bool_": 0, "integer": 1, "floating": 2, "complexfloating": 3}
_NEVER = 9


def checked_outputs(
    step: str, declared: Sequence[OutputDefinition], returned: Any
) -> list[tuple[str, Any]]:
    """Give each value that a step returned the name of its output; numbers become what is hinted.

    Args:
        step: What the step is called in its run.
        declared: Its outputs.
        returned: What its function returned.

    Raises:
        OutputMismatch: They are not so many, or one does not fit its hint.
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
    """Give each value that a step returned the name of its output, of whatever type it is.

    Raises:
        OutputMismatch: They are not so many.
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
    fit = fitted(declared.type, value)
    if fit is MISFIT:
        what = f" as {declared.name!r}" if several else ""
        problem = f"{_a(type(value))}{what} where it declares {hint_text(declared.type)}"
        raise OutputMismatch(step, f"{problem}: correct one of them, or set check_outputs=False")
    return fit


def fitted(hint: Any, value: Any) -> Any:
    """The value as the hint wants it; MISFIT if it does not fit.

    Only numbers change, and only where the result equals the value: 3 becomes 3.0 for `float`,
    `2**60 + 1` stays an integer.
    """
    if hint is Any or hint is object or type(value) is hint:
        return value
    try:
        return _fitted(hint, value)
    except (TypeError, NameError, AttributeError, RecursionError):
        return value  # a hint that cannot be asked


def _fitted(hint: Any, value: Any) -> Any:
    if hint is None or hint is NoneType:
        return value if value is None else MISFIT
    if isinstance(hint, type) and not isinstance(hint, GenericAlias):
        return _by_class(hint, value)
    origin = get_origin(hint)
    if origin is Annotated:
        return fitted(get_args(hint)[0], value)
    if origin is Union or origin is UnionType:
        return _by_parts(get_args(hint), value)
    if origin is Literal:
        return _by_literals(get_args(hint), value)
    if isinstance(origin, type):
        return _by_class(origin, value)
    meant = _meant(hint)
    return value if meant is None else fitted(meant, value)


def _meant(hint: Any) -> Any:
    """The base of a NewType and what a type alias stands for; None for other hints."""
    if type(hint).__name__ == "TypeAliasType":
        return hint.__value__
    if type(get_origin(hint)).__name__ == "TypeAliasType":
        return get_origin(hint).__value__
    return getattr(hint, "__supertype__", None)


def _by_class(kind: type, value: Any) -> Any:
    if kind in _UNDECIDED or getattr(kind, "_is_protocol", False) or _is_marker(kind):
        return value
    if is_typed_dict(kind):
        return value if isinstance(value, dict) else MISFIT
    rank = _rank(kind) if kind in _RANKS or kind.__module__ == "numpy" else _NEVER
    if rank != _NEVER:
        return _by_number(kind, rank, value)
    if isinstance(value, kind) or _is_made_again(kind, type(value)):
        return value
    return value if _is_no_time(kind, type(value)) else MISFIT


def _by_parts(parts: Sequence[Any], value: Any) -> Any:
    found = []
    for part in parts:
        fit = fitted(part, value)
        if fit is value:
            return value
        if fit is not MISFIT:
            found.append(fit)
    rank = _rank(type(value))
    # An integer of numpy under `float | int` is to be an integer.
    return min(found, key=lambda fit: _rank(type(fit)) != rank, default=MISFIT)


def _by_literals(literals: Sequence[Any], value: Any) -> Any:
    kind = type(value)
    for each in literals:
        alike = kind is type(each) or (
            isinstance(value, type(each)) if isinstance(each, str | bytes)
            else _rank(kind) == _rank(type(each)) != _NEVER
        )  # fmt: skip
        if alike and value == each:
            return value if kind is type(each) else each
    return MISFIT


def _by_number(kind: type, rank: int, value: Any) -> Any:
    if _rank(type(value)) > rank:
        return MISFIT
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
    """Where a class of numbers stands: what fits an integer fits a float. Subclasses count too."""
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


def _is_made_again(kind: type, found: type) -> bool:
    """Whether a class is another one's definition, executed again: a notebook's cell, a module."""
    name = kind.__qualname__
    return any(
        base.__qualname__ == name and type_name(base) == type_name(kind) for base in found.__mro__
    )


def _is_no_time(kind: type, found: type) -> bool:
    """Whether it is `pandas.NaT`, which stands for any missing point or length of time."""
    if found.__name__ != "NaTType" or not found.__module__.startswith("pandas"):
        return False
    return issubclass(kind, date | timedelta) or kind.__name__ == "Period"


def _a(kind: type) -> str:
    return with_article(hint_text(kind))
