"""Every public function and method documents its arguments, and the errors that it raises."""

import ast
import importlib
import inspect
import re
import textwrap
from functools import cached_property

from test_public_interface import MODULES

from stackfold import Workspace

AS_ELSEWHERE = re.compile(r"raises (as|like)|as for|as `|see `|the same events as", re.IGNORECASE)
"""Documents arguments or errors by naming what has the same ones."""
SERVICES = [
    name
    for name, member in inspect.getmembers(Workspace)
    if isinstance(member, property | cached_property)
    and name not in {"actor", "correlation_id", "store"}
]


def methods(owner):
    """The public functions that a class, or a base class of Stackfold, defines."""
    for name, member in inspect.getmembers_static(owner):
        defined = next((each for each in owner.__mro__ if name in vars(each)), object)
        if name.startswith("_") or not defined.__module__.startswith("stackfold"):
            continue
        function = getattr(member, "__func__", None) or getattr(member, "fget", None)
        function = function or getattr(member, "func", None) or member
        if inspect.isfunction(function):
            yield name, function


def surface():
    """Label → function, and the same methods of the base classes."""
    classes = {}
    with Workspace.in_memory() as ws:
        for name in SERVICES:
            classes[f"Workspace.{name}"] = type(getattr(ws, name))
    for module in MODULES:
        loaded = importlib.import_module(module)
        for name in loaded.__all__:
            value = getattr(loaded, name)
            if inspect.isfunction(value):
                yield f"{module}.{name}", value, []
            elif isinstance(value, type) and not issubclass(value, BaseException):
                classes[f"{module}.{name}"] = value
    for label, owner in classes.items():
        for name, function in methods(owner):
            bases = [vars(base)[name] for base in owner.__mro__[1:] if name in vars(base)]
            yield f"{label}.{name}", function, bases


def undocumented(function):
    """What the docstring of a function lacks."""
    function = inspect.unwrap(function)
    text = inspect.getdoc(function) or ""
    if not text:
        return "a docstring"
    taken = [each for each in inspect.signature(function).parameters if each not in {"self", "cls"}]
    missing = [each for each in taken if not re.search(rf"^ +\**{each}:", text, re.MULTILINE)]
    if missing and not AS_ELSEWHERE.search(text):
        return f"Args: {', '.join(missing)}"
    if "Raises:" not in text and not AS_ELSEWHERE.search(text) and raised(function):
        return f"Raises: {', '.join(sorted(raised(function)))}"
    return ""


def raised(function):
    """The names of the errors that a function raises in its own body."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    names = {
        call.func.id for call in calls if isinstance(call, ast.Call) and hasattr(call.func, "id")
    }
    return names - {"NotImplementedError"}


def test_every_public_function_documents_its_arguments_and_errors():
    found = {}
    for label, function, bases in surface():
        if label.rpartition(".")[2].startswith("test_"):  # contracts: the name is the sentence
            continue
        lacks = [undocumented(each) for each in (function, *bases) if callable(each)]
        if all(lacks):
            found[label] = lacks[0]
    assert not found, "\n".join(f"{label} lacks {what}" for label, what in found.items())
