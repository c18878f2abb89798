"""What `stackfold` promises: its public names, which change by Semantic Versioning only.

`UPDATE_PUBLIC_NAMES=1 pytest tests/test_public_interface.py` writes them down after a change.
"""

import ast
import importlib
import inspect
import os
import re
from functools import cached_property
from pathlib import Path

import pytest

from stackfold import Workspace

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_name("public_names.txt")
MODULES = (
    "stackfold",
    "stackfold.errors",
    "stackfold.eventsourcing",
    "stackfold.flavors",
    "stackfold.steps",
    "stackfold.testing",
    "stackfold.views",
    "stackfold.web",
)
INNER = re.compile(r"\bstackfold\.(application|domain|infrastructure|cli)\b")
SHOWN = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.py")]


def public_names(module):
    return [f"{module}.{name}" for name in sorted(importlib.import_module(module).__all__)]


def test_the_services_of_a_workspace_are_in_the_reference():
    shown = (ROOT / "docs" / "reference" / "services.md").read_text()
    nouns = [
        name
        for name, member in inspect.getmembers(Workspace)
        if isinstance(member, property | cached_property)
        and name not in {"actor", "correlation_id", "store"}
    ]
    with Workspace.in_memory() as ws:
        for noun in nouns:
            service = type(getattr(ws, noun))
            assert f"## `ws.{noun}`" in shown
            assert f"::: {service.__module__}.{service.__qualname__}\n" in shown


@pytest.mark.parametrize("module", MODULES)
def test_dir_shows_every_public_name(module):
    loaded = importlib.import_module(module)
    assert {*loaded.__all__} <= {*dir(loaded)}
    assert len({*loaded.__all__}) == len(loaded.__all__)


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "src" / "stackfold" / "py.typed").exists()


def test_the_public_names_are_those_that_were_promised():
    names = [name for module in MODULES for name in public_names(module)]
    if os.environ.get("UPDATE_PUBLIC_NAMES"):
        LIST.write_text("\n".join(names) + "\n")
    assert LIST.read_text().split() == names


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_exists_and_has_a_docstring(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__
    for name in loaded.__all__:
        value = getattr(loaded, name)
        if isinstance(value, type) or callable(value):
            assert value.__doc__, f"{module}.{name}"


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_and_examples_import_public_names_only(path):
    text = path.read_text()
    programs = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for program in [text] if path.suffix == ".py" else programs:
        for node in ast.walk(ast.parse(program)):
            match node:
                case ast.ImportFrom(module=str(module)):
                    assert not INNER.match(module), module
                case ast.Import(names=names):
                    assert not [each.name for each in names if INNER.match(each.name)]
