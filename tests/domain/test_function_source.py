"""The location of a function, as Python describes its module."""

from importlib.machinery import ModuleSpec
from types import FunctionType

import pytest

from stackfold.domain.pipelines.function_source import module_of, source_of


def function(file, module=None):
    """A function whose module was executed from a file; `module` is the name it was imported by."""
    code = compile("def training(): ...", file or "<stdin>", "exec").co_consts[0]
    spec = ModuleSpec(module, None) if module else None
    return FunctionType(code, {"__file__": file, "__spec__": spec, "__name__": "__main__"})


@pytest.mark.parametrize(
    ("file", "module", "place", "root"),
    [
        ("/code/shop/flow.py", "shop.flow", "shop.flow:training", "/code"),
        ("/code/shop/__init__.py", "shop", "/code/shop/__init__.py:training", "/code"),
        ("/code/shop/in/__init__.py", "shop.in", "shop.in:training", "/code"),
        ("/code/shop/__main__.py", "shop.__main__", "shop.__main__:training", "/code"),
        ("/code/shop/flow.py", None, "/code/shop/flow.py:training", "/code/shop"),
        ("/code/shop/a.b.py", None, "/code/shop/a.b.py:training", ""),
        ("/flow.py", None, "/flow.py:training", "/"),
        ("/code/other.py", "shop.flow", "/code/other.py:training", ""),
        (r"C:\code\shop\flow.py", "shop.flow", "shop.flow:training", r"C:\code"),
        (None, None, "<stdin>:training", ""),
    ],
)
def test_the_location_is_a_module_of_a_package_or_a_file(file, module, place, root):
    assert source_of(function(file, module)) == (place, root)


def test_a_script_is_named_as_it_would_be_imported():
    assert module_of(function("/code/flow.py")) == ("flow", "/code")
