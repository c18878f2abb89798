"""The location of a function: its module and import folder, or its file."""

import re
from collections.abc import Callable
from inspect import unwrap
from typing import Any, NamedTuple

_SEPARATOR = re.compile(r"[/\\]")


class FunctionSource(NamedTuple):
    """The location of a function."""

    location: str
    """"package.module:function" for a module of a package, otherwise "file.py:function"."""
    root: str = ""
    """The folder that the module is imported from; empty if unknown."""


def source_of(function: Callable[..., Any]) -> FunctionSource:
    """The location of a function; for a script, the location where an import would find it."""
    name = getattr(function, "__name__", "?")
    code = getattr(function, "__code__", None)
    module, root = module_of(function)
    if "." in module and root:
        return FunctionSource(f"{module}:{name}", root)
    return FunctionSource(f"{code.co_filename if code else '?'}:{name}", root)


def module_of(function: Callable[..., Any]) -> tuple[str, str]:
    """The import name of a function's module, and the folder that it is imported from.

    Either is empty if unknown, as for a function of a notebook. A script that was run as a file is
    named after the file; one that was run with `python -m` is named after the module.
    """
    space = getattr(unwrap(function), "__globals__", {})
    spec, file = space.get("__spec__"), space.get("__file__")
    if not file:
        return "", ""
    parts = _SEPARATOR.split(file)
    stem = parts[-1].rpartition(".")[0]
    name = str(spec.name) if spec is not None else stem
    path = parts[:-1] if stem == "__init__" else [*parts[:-1], stem]
    wanted = name.split(".")
    if path[-len(wanted) :] != wanted:
        return name, ""
    separator = file[len(parts[0])] if len(parts) > 1 else ""
    return name, separator.join(path[: -len(wanted)]) or separator
