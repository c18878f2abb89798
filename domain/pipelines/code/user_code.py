"""User code: neither the standard library, nor installed packages, nor Stackfold.

Objects are inspected without calling user code: attributes are read past properties, `__getattr__`
and metaclasses.
"""

import inspect
import re
from collections.abc import Mapping
from types import (
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

_STANDARD_LIBRARY = re.split(r"[/\\][^/\\]*$", inspect.__file__)[0] or "?"
_INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]|\.(whl|egg)[/\\]")

_members: Any = type.__dict__["__dict__"]
_mro: Any = type.__dict__["__mro__"]
_bases: Any = type.__dict__["__bases__"]
_qualname: Any = type.__dict__["__qualname__"]
_namespace: Any = vars(ModuleType)["__dict__"]
_flags: Any = type.__dict__["__flags__"]
_HEAP_TYPE = 1 << 9


def _is_heap_type(kind: type) -> bool:
    """Whether a class was created at run time, as by a `class` statement; some C classes are."""
    return bool(_flags.__get__(kind) & _HEAP_TYPE)


def namespace(module: ModuleType) -> dict[str, Any]:
    """The attributes of a module; does not load a lazy module."""
    return _namespace.__get__(module)  # type: ignore[no-any-return]


def is_class(value: Any) -> bool:
    """Whether a value is a class; unlike `isinstance`, it does not read `__class__`."""
    return issubclass(type(value), type)


def members(kind: type) -> Mapping[str, Any]:
    """The attributes in the body of a class."""
    return _members.__get__(kind)  # type: ignore[no-any-return]


def mro(kind: type) -> tuple[type, ...]:
    """A class and the classes that it inherits from."""
    return _mro.__get__(kind)  # type: ignore[no-any-return]


def bases(kind: type) -> tuple[type, ...]:
    """The direct bases of a class."""
    return _bases.__get__(kind)  # type: ignore[no-any-return]


def qualname(kind: type) -> str:
    """The name of a class in its module."""
    return str(_qualname.__get__(kind))


def module_of(kind: type) -> str:
    """The name of the module that a class belongs to."""
    found = members(kind).get("__module__")
    if isinstance(found, str):
        return found
    # A class in C has it in its name, which Python splits.
    found = type.__getattribute__(kind, "__module__")
    return found if isinstance(found, str) else "?"


def class_path(kind: type) -> str:
    """A class as "module.Class"; a user class as "Class", as its file may be run or imported."""
    return qualname(kind) if is_user_class(kind) else f"{module_of(kind)}.{qualname(kind)}"


def attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object, in its dictionary and its slots."""
    kind = type(value)
    slots: dict[str, Any] = {}
    for each in reversed(mro(kind)):
        for name, member in members(each).items():
            if type(member) is MemberDescriptorType and _is_heap_type(each):
                try:
                    slots[name] = member.__get__(value, kind)
                except AttributeError:  # not set
                    continue
    return slots | dictionary(value)


def dictionary(value: Any) -> dict[str, Any]:
    """The `__dict__` of an object; empty if it has none."""
    for each in mro(type(value)):
        found = members(each).get("__dict__")
        if found is not None:
            if type(found) not in (GetSetDescriptorType, MemberDescriptorType):
                return {}
            space = found.__get__(value, type(value))
            return space if type(space) is dict else {}
    if type(value) is FunctionType or type(value) is ModuleType:
        return value.__dict__
    try:
        space = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return space if type(space) is dict else {}


def loaded_module(name: str) -> ModuleType | None:
    """The module with a name, if it is loaded."""
    return inspect.getmodule(SimpleNamespace(__module__=name))


def is_user_file(file: object) -> bool:
    """Whether a file is neither in the standard library nor in an installed package."""
    text = str(file or "")
    if not text or text.startswith("<frozen"):
        return False
    in_library = text.startswith(_STANDARD_LIBRARY) and text[len(_STANDARD_LIBRARY)] in "/\\"
    return not in_library and not _INSTALLED.search(text)


def is_user_module(module: ModuleType) -> bool:
    """Whether a module is user code; a namespace package is if one of its folders is."""
    space = namespace(module)
    name = str(space.get("__name__"))
    if name.partition(".")[0] == "stackfold":
        return False
    file = space.get("__file__")
    if file:
        return is_user_file(file)
    if name == "__main__":
        return True
    portions = getattr(space.get("__path__"), "_path", None)  # of a namespace package
    return isinstance(portions, list) and any(is_user_file(f"{each}/") for each in portions)


def is_user_function(function: FunctionType) -> bool:
    """Whether a function is user code."""
    name = str(function.__globals__.get("__name__"))
    if name.partition(".")[0] == "stackfold":
        return False
    file = function.__code__.co_filename
    if file.startswith("<"):
        # In a notebook, in text that was executed, or received from another process.
        module = loaded_module(name)
        if module is not None and namespace(module).get("__file__"):
            return is_user_module(module)
    return is_user_file(file)


def is_user_class(kind: type) -> bool:
    """Whether a class is user code."""
    if not _is_heap_type(kind):
        return False
    name = module_of(kind)
    if name == "__main__":
        return True
    top = name.partition(".")[0]
    if top in ("builtins", "stackfold", "?") or top.startswith("_cython"):
        return False
    module = loaded_module(name)
    if module is not None and namespace(module).get("__file__"):
        return is_user_module(module)
    spec = namespace(module).get("__spec__") if module is not None else None
    if getattr(spec, "origin", None) in ("built-in", "frozen"):
        return False
    # Defined in a notebook or by `exec`, or received from another process, which has its module.
    functions = [
        each
        for each in members(kind).values()
        if type(each) is FunctionType and each.__module__ == name
    ]
    return not functions or any(map(is_user_function, functions))
