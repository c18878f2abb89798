"""Finds the classes that data may name: only those that the program has loaded."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import PurePath
from typing import Any, get_args

from stackfold.domain.errors import UnknownClass

FindClass = Callable[[str], type]
"""Returns the loaded class with a name "module.Class"; never imports anything."""


def type_name(kind: type) -> str:
    """A class as "module.Class"; for a class of the running script, see `main_name`."""
    module = main_name() if kind.__module__ in _MAINS else kind.__module__
    return f"{module}.{kind.__qualname__}"


def main_name() -> str:
    """The name of the running script as a module: "churn" for `python churn.py`.

    By that name, a program that imports the script finds its classes, and so does a process that
    executes its steps.
    """
    if _named:
        return _named[-1]
    script = sys.modules.get(_MAIN)
    spec = getattr(script, "__spec__", None)
    if spec is not None:
        return str(spec.name)
    file = str(getattr(script, "__file__", None) or f"{_MAIN}.py")
    return PurePath(file).stem


def use_main_name(name: str) -> None:
    """Name the script whose steps this process executes; its classes are those of `__main__`."""
    _named[:] = [name]


_MAIN = "__main__"
_MAINS = (_MAIN, "__mp_main__")
"""The name of the script's module in this process, and in processes that it spawns."""
_named: list[str] = []


def class_finder(hint: Any = Any, function: Callable[..., Any] | None = None) -> FindClass:
    """Create a function that finds a loaded class by its name "module.Class".

    Data must not make a program import anything. A class is searched for in the type hint of the
    input, the globals of the step's function, the loaded modules, and the subclasses of classes in
    the hint. It must have exactly the name that is searched for.

    Args:
        hint: The type hint of the input that the value is for.
        function: The function of the step.
    """

    def find(name: str) -> type:
        for candidate in _candidates(name, hint, function):
            if _is_data_class(candidate) and type_name(candidate) == name:
                return candidate  # type: ignore[no-any-return]
        derived = {each for each in _derived(name, hint) if _is_data_class(each)}
        if len(derived) == 1:
            return derived.pop()
        raise UnknownClass(name)

    return find


def _candidates(name: str, hint: Any, function: Callable[..., Any] | None) -> Iterator[Any]:
    yield from mentioned(hint)
    path = name.split(".")
    if function is not None and path[-1] in function.__globals__:
        yield function.__globals__[path[-1]]
    for length in range(len(path) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(path[:length]))
        yield _inside(found, path[length:])
        if ".".join(path[:length]) == main_name():
            yield _inside(sys.modules.get(_MAIN), path[length:])


def _derived(name: str, hint: Any) -> Iterator[type]:
    """Subclasses with that name: local classes, and parametrizations of generic classes."""
    if "<" not in name and "[" not in name:
        return
    bases = [each for each in mentioned(hint) if isinstance(each, type) and each is not object]
    generic = name.partition("[")[0]
    bases += [each for each in _candidates(generic, Any, None) if isinstance(each, type)]
    seen: set[type] = set(bases)
    while bases:
        for each in _subclasses(bases.pop()):
            if each not in seen:
                seen.add(each)
                bases.append(each)
                if type_name(each) == name:
                    yield each


def _subclasses(kind: type) -> list[type]:
    return type.__subclasses__(kind)


def _inside(module: Any, path: list[str]) -> Any:
    found = module
    for part in path:
        found = getattr(found, "__dict__", {}).get(part)
    return found


def mentioned(hint: Any) -> Iterator[Any]:
    """A type hint and everything that it refers to, including fields of models and data classes."""
    return _mentioned(hint, set())


def _mentioned(hint: Any, seen: set[int]) -> Iterator[Any]:
    if id(hint) in seen:
        return
    seen.add(id(hint))
    yield hint
    for part in get_args(hint):
        yield from _mentioned(part, seen)
    if isinstance(hint, type) and is_model(hint):
        for field in hint.model_fields.values():  # type: ignore[attr-defined]
            yield from _mentioned(field.annotation, seen)
    elif isinstance(hint, type) and dataclasses.is_dataclass(hint):
        for each in dataclasses.fields(hint):
            yield from _mentioned(each.type, seen)


def is_model(kind: type) -> bool:
    """Whether a class is a pydantic model; does not import pydantic."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and issubclass(kind, pydantic.BaseModel)


def is_named_tuple(kind: type) -> bool:
    """Whether a class is a named tuple."""
    return issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple)


def _is_data_class(candidate: Any) -> bool:
    return isinstance(candidate, type) and (
        dataclasses.is_dataclass(candidate)
        or issubclass(candidate, Enum)
        or is_model(candidate)
        or is_named_tuple(candidate)
        or hasattr(candidate, "__get_pydantic_core_schema__")
    )
