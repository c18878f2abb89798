"""Type hints: their text, and the pairs of them that no value can satisfy."""

from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from stackfold.domain.exact_json.class_finder import type_name

_NUMBER = "number"
_KINDS: dict[Any, str] = {
    bool: _NUMBER, int: _NUMBER, float: _NUMBER, complex: _NUMBER, str: "str", bytes: "bytes",
    list: "list", tuple: "tuple", dict: "dict", set: "set", frozenset: "set",
    NoneType: "None", None: "None",
}  # fmt: skip
"""Built-in class → kind of values: no class can derive from classes of two kinds."""


def are_disjoint(given: Any, taken: Any) -> bool:
    """Whether no value can satisfy both hints, such as `str` and `int`.

    Two numeric types are never disjoint, and neither are two classes: a third class may derive from
    both.
    """
    if given is taken or given is Any or taken is Any:
        return False
    first, second = _kinds(given), _kinds(taken)
    return bool(first and second and not first & second)


def _kinds(hint: Any) -> frozenset[str]:
    """The kinds of values that match a hint; empty if values of other kinds may match."""
    if isinstance(hint, type) and is_typed_dict(hint):
        return frozenset({"dict"})
    origin = get_origin(hint)
    if origin is Annotated:
        return _kinds(get_args(hint)[0])
    if origin is Union or origin is UnionType:
        parts = [_kinds(part) for part in get_args(hint)]
        return frozenset().union(*parts) if all(parts) else frozenset()
    if origin is Literal:
        parts = [_kinds(type(each)) for each in get_args(hint)]
        return frozenset().union(*parts) if all(parts) else frozenset()
    base = getattr(hint, "__supertype__", None)
    if base is not None:
        return _kinds(base)
    kind = origin or hint
    try:
        found = _KINDS.get(kind)
    except TypeError:  # it is unhashable
        found = None
    return frozenset({found}) if found else frozenset()


def is_typed_dict(kind: type) -> bool:
    """Whether a class is a TypedDict, of `typing` or of `typing_extensions`."""
    return hasattr(kind, "__required_keys__") and issubclass(kind, dict)


def hint_text(hint: Any) -> str:
    """A type hint as written in code, such as "list[int]"."""
    if isinstance(hint, type) and not isinstance(hint, GenericAlias):
        return hint.__qualname__ if hint.__module__ == "builtins" else type_name(hint)
    return repr(hint).replace("typing.", "")
