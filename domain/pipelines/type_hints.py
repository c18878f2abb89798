"""The type hints of a function, also where some of their names exist for type checkers only."""

from collections.abc import Callable, Mapping
from inspect import unwrap
from types import GenericAlias, SimpleNamespace, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints


class ResolvedHints(NamedTuple):
    """What the hints of a function mean."""

    hints: dict[str, Any]
    """Parameter, or "return" → its hint; `Any` in the place of what is not known."""
    unknown: tuple[str, ...]
    """Those of them in which something is not known when the program runs."""


def resolved_hints(function: Callable[..., Any]) -> ResolvedHints:
    """Resolve the type hints of a function.

    A name that is imported below `if TYPE_CHECKING:`, and what only type checkers can subscribe,
    is taken as `Any`.
    """
    enclosing = _enclosing(function)
    try:
        found = get_type_hints(function, localns=enclosing, include_extras=True)
    except Exception:
        return _one_by_one(function, enclosing)
    return ResolvedHints(found, ())


def _enclosing(function: Callable[..., Any]) -> dict[str, Any]:
    """What a hint written as text may name of the enclosing function."""
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
    """One hint, and whether all of it is known."""
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
        except Exception:  # whatever an expression in a hint raises
            return Any, False


class _UnknownType(type):
    """Takes part in a hint in whatever way a name can."""

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
    """Stands for a name that is not there when the program runs."""


def _without_unknown(hint: Any) -> Any:
    """The hint with `Any` in the place of what is not known."""
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
