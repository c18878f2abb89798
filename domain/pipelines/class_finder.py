"""Which classes may come out of data: those that the program has already."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import PurePath
from typing import Any, get_args

from stackfold.domain.errors import UnknownClass

FindClass = Callable[[str], type]
"""From "module.Class" to that class, if the program has it already; never imports anything."""


def type_name(kind: type) -> str:
    """A class as "module.Class"; one of the script that runs, by the name it is imported by."""
    module = main_name() if kind.__module__ in _MAINS else kind.__module__
    return f"{module}.{kind.__qualname__}"


def main_name() -> str:
    """What the script that runs is called as a module: "churn" for `python churn.py`.

    Another program, which imports it, then finds its classes, and so does a process that executes
    steps for it.
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
    """Let classes of `__main__` belong to the script of that name: the one we execute steps for."""
    _named[:] = [name]


_MAIN = "__main__"
_MAINS = (_MAIN, "__mp_main__")
"""What the script is called here, and in processes that it starts."""
_named: list[str] = []


def class_finder(hint: Any = Any, function: Callable[..., Any] | None = None) -> FindClass:
    """A way from "module.Class" to a class that the program has already.

    Data must not make a program import anything. So a class is looked for in the type hint of the
    input that takes the value, then among the globals of the step's function, then among the
    modules that are loaded, then among the subclasses of those in the hint, and found only under
    its own name.

    Args:
        hint: The type hint of the input that takes the value.
        function: The step's function.
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
    """Subclasses of that name: those made inside functions, and variants of generic classes."""
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
    """The classes in a type hint, and in the fields of those classes; among other things."""
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
    """Whether it is a pydantic model; pydantic is not imported to answer that."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and issubclass(kind, pydantic.BaseModel)


def is_named_tuple(kind: type) -> bool:
    """Whether its instances are tuples whose elements have names."""
    return issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple)


def _is_data_class(candidate: Any) -> bool:
    return isinstance(candidate, type) and (
        dataclasses.is_dataclass(candidate)
        or issubclass(candidate, Enum)
        or is_model(candidate)
        or is_named_tuple(candidate)
        or hasattr(candidate, "__get_pydantic_core_schema__")
    )
