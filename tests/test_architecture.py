"""`docs/architecture.md` is true: its functions exist, and are called in the order of its lists."""

import ast
import re
import sys
import threading
from pathlib import Path

import pytest

from stackfold import Workspace, pipeline, step
from stackfold.cli.main import run

ROOT = Path(__file__).parents[1]
SECTION = re.compile(r"^## (?P<title>.*)\n(?P<body>(?:(?!## ).*\n)*)", re.MULTILINE)
FUNCTION = re.compile(r"`((?:cli|infrastructure|application|domain)/[\w/]+\.py):([\w.]+)`")
FILE = re.compile(r"`((?:cli|infrastructure|application|domain|tests|docs)/[\w/-]+(?:\.\w+|/))`")
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SECTIONS = {each["title"]: each["body"] for each in SECTION.finditer(DOCUMENT)}


@step
def load() -> list[float]:
    return [1.0, 2.0]


@step
def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pipeline
def training():
    mean(load())


def execute_training():
    with Workspace.open():
        training()


COMMANDS = {
    "The life of a command": lambda: run(
        ["stack", "register", "prod", "-o", "default", "-a", "default"]
    ),
    "The life of a query": lambda: run(["stack", "list"]),
    "The life of a run": execute_training,
}


def calls_of(command):
    """Every call of our functions, as `file:function`, in order."""
    calls = []
    prefixes = tuple(f"{ROOT}/{prefix}" for prefix in ("", "src/stackfold/"))

    def profile(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(prefixes):
            name = code.co_filename.removeprefix(prefixes[1]).removeprefix(prefixes[0])
            calls.append((name, code.co_qualname))

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        command()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return calls


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that was used before, and whose first use is not part of the trace."""
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACKFOLD_ACTOR", "ada@example.com")
    monkeypatch.chdir(tmp_path)
    run(["stack", "get"])


@pytest.mark.parametrize("title", COMMANDS)
def test_the_functions_are_called_in_the_order_of_the_list(title, home):
    calls = calls_of(COMMANDS[title])
    following = iter(calls)
    for function in FUNCTION.findall(SECTIONS[title]):
        assert function in following, f"{':'.join(function)} is not called" + ", or earlier" * (
            function in calls
        )


def functions_in(path):
    """The qualified names of all functions and methods of a file."""

    def walk(node, prefix=""):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                yield f"{prefix}{child.name}"
                yield from walk(child, f"{prefix}{child.name}.")

    return set(walk(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("path", "function"), sorted(set(FUNCTION.findall(DOCUMENT))))
def test_a_function_exists(path, function):
    assert function in functions_in(ROOT / path)


@pytest.mark.parametrize(
    "path", sorted({each for each in FILE.findall(DOCUMENT) if not re.search("[A-Z]{2}", each)})
)
def test_a_file_exists(path):
    assert (ROOT / path).exists()
