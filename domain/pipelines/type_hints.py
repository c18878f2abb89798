"""Resolves the type hints of a function, even if some names exist only for type checkers."""

from collections.abc import Callable, Mapping
from inspect import unwrap
from types import GenericAlias, SimpleNamespace, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints


class ResolvedHints(NamedTuple):
    """The resolved type hints of a function."""

    hints: dict[str, Any]
    """Parameter, or "return" → its hint, with `Any` for names that cannot be resolved."""
    unknown: tuple[str, ...]
    """The parameters, and "return", whose hints contain such a name."""


def resolved_hints(function: Callable[..., Any]) -> ResolvedHints:
    """Resolve the type hints of a function.

    A name that is imported under `if TYPE_CHECKING:` resolves to `Any`, and so does a class that
    only type checkers can subscript.
    """
    enclosing = _enclosing(function)
    try:
        found = get_type_hints(function, localns=enclosing, include_extras=True)
    except Exception:
        return _one_by_one(function, enclosing)
    return ResolvedHints(found, ())


def _enclosing(function: Callable[..., Any]) -> dict[str, Any]:
    """The variables of the enclosing function that a hint written as text may name."""
    inner = unwrap(function)
    code, cells = getattr(inner, "__code__", None), getattr(inner, "__closure__", None) or ()
    enclosing = {}
    for name, cell in zip(code.co_freevars if code else (), cells, strict=True):
        try:
            enclosing[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return enclosing


def _one_by_one(function: Callable[..., Any], enclosing: Mapping[str, Any]) -> ResolvedHints:
    names = getattr(unwrap(function), "__globals__", {})
    hints, unknown = {}, []
    for name, hint in getattr(function, "__annotations__", {}).items():
        hints[name], is_known = _resolved(name, hint, names, dict(enclosing))
        if not is_known:
            unknown.append(name)
    return ResolvedHints(hints, tuple(unknown))


def _resolved(name: str, hint: Any, names: dict[str, Any], local: dict[str, Any]) -> Any:
    """Return a resolved hint, and whether all names in it are known."""
    holder = SimpleNamespace(__annotations__={name: hint})
    known = len(local)
    while True:
        try:
            found = get_type_hints(holder, names, local, include_extras=True)[name]
            return _without_unknown(found), len(local) == known
        except NameError as error:
            if not error.name or error.name in local:
                return Any, False
            local[error.name] = _Unknown
        except Exception:  # raised by an expression in the hint
            return Any, False


class _UnknownType(type):
    """Supports every use of a name in a hint: attributes, subscripts, calls and unions."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __getitem__(cls, _: Any) -> Any:
        return cls

    def __call__(cls, *_: Any, **__: Any) -> Any:
        return cls

    def __or__(cls, _: Any) -> Any:
        return cls

    __ror__ = __or__


class _Unknown(metaclass=_UnknownType):
    """Stands for a name that does not exist at run time."""


def _without_unknown(hint: Any) -> Any:
    """The hint with `Any` instead of `_Unknown`."""
    if hint is _Unknown:
        return Any
    parts = get_args(hint)
    if get_origin(hint) is Annotated:
        return Annotated[(_without_unknown(parts[0]), *hint.__metadata__)]
    if not _mentions_unknown(hint):
        return hint
    if get_origin(hint) in (Union, UnionType):
        return Any
    if get_origin(hint) is tuple:
        return GenericAlias(tuple, tuple(map(_without_unknown, parts)))
    return get_origin(hint)


def _mentions_unknown(hint: Any) -> bool:
    if isinstance(hint, list):
        return any(map(_mentions_unknown, hint))
    return hint is _Unknown or any(map(_mentions_unknown, get_args(hint)))
