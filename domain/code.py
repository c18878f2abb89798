"""Code: what a function does, as a digest that changes when that changes."""

import hashlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property, partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from pydantic import BaseModel

_LIBRARY = (inspect.__file__.rpartition("/")[0] or "?", "<frozen")
_INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEEPEST = 20
"""Constants are looked into so far; one may hold itself."""


class _Part(NamedTuple):
    """What one function or class consists of, and which others it names."""

    text: str
    named: tuple[Any, ...]
    owner: Any
    """Kept, so that its id is nobody else's."""


class CodeDigests:
    """Digests of functions, for one moment: what was looked at is not looked at again.

    A digest covers the function's byte code and constants, the values that it encloses, and the
    functions, classes and plain constants that it names, and so on, as far as they are the user's
    own: not the standard library's, and not those of installed packages. It is of byte code and
    not of source because only that is what will be executed, wherever the source is by now; so
    comments and layout do not count. An object of any other kind counts by its class alone.
    """

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self._parts: dict[int, _Part] = {}

    def digest(self, function: Callable[..., Any]) -> str:
        """sha256 in hexadecimal.

        The function's own default values are left out: they are parameters of the step.
        """
        hashed = hashlib.sha256()
        seen: set[int] = set()
        waiting: list[Any] = [function]
        while waiting:
            each = waiting.pop()
            if id(each) in seen:
                continue
            seen.add(id(each))
            part = self._part(each)
            hashed.update(part.text.encode(errors="backslashreplace"))
            if each is not function:
                defaults = (getattr(each, "__defaults__", ()), getattr(each, "__kwdefaults__", ()))
                hashed.update(_constant(defaults).encode(errors="backslashreplace"))
            waiting.extend(reversed(part.named))
        return hashed.hexdigest()

    def _part(self, of: Any) -> _Part:
        part = self._parts.get(id(of))
        if part is None:
            part = self._parts[id(of)] = _class(of) if isinstance(of, type) else _function(of)
        return part


def _function(function: Any) -> _Part:
    code: CodeType = function.__code__
    lines = [_code(code)]
    named: list[Any] = []
    for name, value in (*_enclosed(function), *_globals(function)):
        followed = _followed(value, function.__module__)
        if followed is None:
            lines.append(f"{name}={_constant(value)}")
            named.extend(_collected(value, function.__module__))
        else:
            lines.append(f"{name}: {_bound(value)}")
            named.append(followed)
    return _Part("\n".join(lines), tuple(named), function)


def _collected(value: Any, module: str, depth: int = 0) -> Iterator[Any]:
    """The user's own functions and classes in a collection, such as a table of models."""
    if depth > _DEEPEST:
        return
    members = value.values() if type(value) is dict else value
    if type(value) in (dict, tuple, list):
        for each in members:
            followed = _followed(each, module)
            if followed is not None:
                yield followed
            else:
                yield from _collected(each, module, depth + 1)


def _bound(value: Any) -> str:
    """The arguments that come with a function that is called."""
    if isinstance(value, partial):
        return _constant((value.args, value.keywords))
    return _constant(value.__self__) if isinstance(value, MethodType) else ""


def _class(kind: type) -> _Part:
    lines, named = [kind.__qualname__], []
    for base in kind.__bases__:
        followed = _followed(base, kind.__module__)
        if followed is None:
            lines.append(_constant(base))
        else:
            named.append(followed)
    members = {name: value for name, value in vars(kind).items() if name not in _NO_CODE}
    if issubclass(kind, BaseModel):
        # pydantic takes the fields' defaults out of the class, and puts much of its own in.
        members = {name: value for name, value in members.items() if "pydantic" not in name}
        lines.append(_ADDRESS.sub("", repr(kind.model_fields)))
    for name in sorted(members):
        for value in _accessors(members[name]):
            followed = _followed(value, kind.__module__)
            if followed is None:
                lines.append(f"{name}={_constant(value)}")
            else:
                lines.append(f"{name}:")
                named.append(followed)
    return _Part("\n".join(lines), tuple(named), kind)


_NO_CODE = {
    "__module__", "__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__",
    "__abstractmethods__", "_abc_impl", "__slotnames__", "__dataclass_params__",
    "__dataclass_fields__", "__annotate_func__", "__annotations_cache__", "__match_args__",
    "__signature__", "__class_vars__", "__private_attributes__",
}  # fmt: skip


def _accessors(member: Any) -> Iterator[Any]:
    if isinstance(member, property):
        yield from (each for each in (member.fget, member.fset, member.fdel) if each)
    else:
        yield member


def _enclosed(function: FunctionType) -> Iterator[tuple[str, Any]]:
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            yield name, None


def _globals(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What the function names in its module; and in modules of the user's own, by attribute."""
    names = sorted(set(_names(function.__code__)))
    for name in names:
        if name not in function.__globals__:
            continue
        value = function.__globals__[name]
        yield name, value
        if isinstance(value, ModuleType) and _is_own(getattr(value, "__file__", None)):
            held = vars(value)
            yield from ((f"{name}.{each}", held[each]) for each in names if each in held)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _followed(value: Any, module: str) -> Any:
    """The user's own function or class behind a value; None if there is none.

    Args:
        value: What is named.
        module: The name of the module that names it, which is the user's own.
    """
    for _ in range(_DEEPEST):
        if isinstance(value, FunctionType):
            package = str(value.__globals__.get("__name__")).partition(".")[0]
            own = package != "stackfold" and _is_own(value.__code__.co_filename)
            return value if own else None
        if isinstance(value, type):
            return value if _is_own_class(value, module) else None
        inner = _inside(value)
        if inner is None:
            return None
        value = inner
    return None


def _inside(value: Any) -> Any:
    """What a step, a method, or another wrapper calls; None if it is no wrapper."""
    if isinstance(value, staticmethod | classmethod | MethodType):
        return value.__func__
    if isinstance(value, partial | cached_property):
        return value.func
    try:
        # Without waking whatever an object of the user's does when it is asked.
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return None if isinstance(value, ModuleType) else held.get("__wrapped__")


def _is_own_class(kind: type, module: str) -> bool:
    return kind.__module__ == module or any(
        isinstance(function, FunctionType)
        and function.__module__ == kind.__module__
        and _is_own(function.__code__.co_filename)
        for member in vars(kind).values()
        for each in _accessors(member)
        for function in (each, _inside(each))
    )


def _is_own(file: str | None) -> bool:
    return bool(file) and not str(file).startswith(_LIBRARY) and not _INSTALLED.search(str(file))


def _code(code: CodeType) -> str:
    """What is executed: neither where it stands, nor how its lines are numbered."""
    parts = (
        code.co_code.hex(),
        getattr(code, "co_exceptiontable", b"").hex(),
        code.co_flags,
        code.co_argcount,
        code.co_kwonlyargcount,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
    )
    return f"{parts} {[_constant(each) for each in code.co_consts]}"


def _constant(value: Any, depth: int = 0) -> str:
    """A value as a text that is the same for the same value, in every process."""
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes, type(...)):
        return f"{kind.__name__} {value!r}"
    if depth > _DEEPEST:
        return "deeper"
    if kind is CodeType:
        return _code(value)
    parts: list[str]
    if kind in (tuple, list, set, frozenset):
        parts = [_constant(each, depth + 1) for each in value]
        parts = sorted(parts) if kind in (set, frozenset) else parts
        return f"{kind.__name__}({', '.join(parts)})"
    if kind is dict:
        return _mapping("dict", value, depth)
    if isinstance(value, type):
        return f"type {_place(value)}"
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, FunctionType):
        if _is_own(value.__code__.co_filename):
            return f"function {value.__qualname__}"
        # A library's wrapper of a user's function has that one's module, whatever it is called.
        return f"function {value.__globals__.get('__name__')}.{value.__qualname__}"
    name = _place(kind)
    if isinstance(value, Enum):
        return f"{name}.{value.name}"
    if is_dataclass(value):
        held = {each.name: getattr(value, each.name, None) for each in fields(value)}
        return _mapping(name, held, depth)
    if isinstance(value, BaseModel):
        return _mapping(name, vars(value), depth)
    return f"a {name}"


def _place(kind: type) -> str:
    """Where a class comes from; not for the user's own, whose file may be run or imported."""
    if _is_own(getattr(inspect.getmodule(kind), "__file__", None)):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _mapping(name: str, value: Mapping[Any, Any], depth: int) -> str:
    pairs = (f"{_constant(k, depth + 1)}: {_constant(v, depth + 1)}" for k, v in value.items())
    return f"{name}({', '.join(pairs)})"
