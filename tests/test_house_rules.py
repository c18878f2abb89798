"""The rules of the code, checked.

The directions between layers, and the technologies that inner layers must not know, are contracts
of import-linter in `pyproject.toml`. Here is what it cannot say: exact allowances of single
modules, names, sizes, and what an import loads.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "stackfold"
LAYERS = ("domain", "application", "infrastructure", "web", "cli")
LONGEST_FILE = 400
VAGUE = {"base", "common", "core", "helper", "helpers", "manager", "misc", "util", "utils"}

# Values, text and types: nothing here reads a file, a clock, the environment or a network.
# `datetime` and `uuid` can read the clock and chance; the rule on clocks has a separate test.
PURE_STDLIB = {
    "__future__", "abc", "ast", "collections", "contextlib", "contextvars", "copy", "dataclasses",
    "datetime", "decimal", "dis", "enum", "fractions", "functools", "graphlib", "hashlib", "heapq",
    "inspect", "itertools", "json", "keyword", "math", "operator", "re", "string", "textwrap",
    "types", "typing", "unicodedata", "uuid", "weakref",
}  # fmt: skip
DOMAIN_MAY_IMPORT = PURE_STDLIB | {"stackfold.domain", "pydantic", "eventsourcing.domain"}
# What single modules may import besides. Kinds of values that parameters are made of: the values
# are compared and written as text, no file is opened. And the table of the loaded modules, in
# which classes are found that must not be imported.
DOMAIN_MAY_ALSO_IMPORT = {
    ROOT / "domain" / "errors" / "__init__.py": {"importlib"},  # each error on first use
    ROOT / "domain" / "exact_json" / "class_finder.py": {"pathlib", "sys"},
    ROOT / "domain" / "exact_json" / "encoding.py": {"base64", "pathlib"},
    ROOT / "domain" / "exact_json" / "decoding.py": {"base64", "pathlib", "zoneinfo", "ipaddress"},
    ROOT / "domain" / "exact_json" / "parameters.py": {"base64", "pathlib", "zoneinfo"},
    ROOT / "domain" / "exact_json" / "display.py": {"pathlib"},
    ROOT / "domain" / "schedules" / "times.py": {"cronsim", "zoneinfo"},  # which only compute
}
# The one file that reads the clock: it stamps events.
THE_EVENTS_CLOCK = ROOT / "domain" / "eventsourcing" / "event.py"


def modules_of(*layers: str) -> list[Path]:
    return [path for layer in layers for path in sorted((ROOT / layer).rglob("*.py"))]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache  # of the names: trees of all files would slow down the garbage collector for all tests
def imported(path: Path) -> tuple[str, ...]:
    """Every imported name in full: `from a.b import c` gives `a.b.c`; a relative one gives `.`."""
    return tuple(_imported(parse(path)))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


TESTING = PACKAGE / "testing"
EVERY_MODULE = modules_of(*LAYERS) + sorted([*PACKAGE.glob("*.py"), *TESTING.rglob("*.py")])
EVERY_SCRIPT = modules_of("tests", "examples", "benchmarks")


@each(EVERY_MODULE + EVERY_SCRIPT)
def test_a_layer_is_imported_by_its_full_name(path):
    short = [name for name in imported(path) if name.split(".")[0] in LAYERS]
    assert not short, f"say stackfold.{short[0]}: the short name loads the module a second time"


@each(modules_of(*LAYERS))
def test_a_folder_of_modules_is_a_package(path):
    assert (path.parent / "__init__.py").exists(), "without it the type and layer checks skip it"


FOLDERS = sorted({path.parent for path in modules_of(*LAYERS)})


def folder_of(name: str) -> Path | None:
    """The folder of the module that an import names; None if it is none of this repository."""
    first, *parts = name.split(".")
    path = ROOT.joinpath(*parts)
    while first == "stackfold" and path != ROOT:
        if path.is_dir() or path.with_suffix(".py").exists():
            return path if path.is_dir() else path.parent
        path = path.parent
    return None


def imports_between_folders(layer: str) -> set[tuple[str, str]]:
    """Pairs of folders of a layer, the first of which imports the second."""
    return {
        (str(path.parent.relative_to(ROOT)), str(folder.relative_to(ROOT)))
        for path in modules_of(layer)
        for name in imported(path)
        if (folder := folder_of(name)) and folder.is_relative_to(ROOT / layer)
        if folder != path.parent
    }


@pytest.mark.parametrize("layer", LAYERS)
def test_folders_of_a_layer_have_no_import_cycle(layer):
    graph: dict[str, set[str]] = {}
    for importer, used in imports_between_folders(layer):
        graph.setdefault(importer, set()).add(used)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_describes_its_content(folder):
    text = ast.get_docstring(parse(folder / "__init__.py")) or ""
    assert 1 <= len(text.splitlines()) <= 3, "say in three lines what is in the folder"
    start = re.search(r"Start with `([a-z_/]+\.py)`", text)
    assert start, "say where to start: Start with `NAME.py`."
    assert (folder / start[1]).exists()


@each(EVERY_MODULE)
def test_a_module_has_a_docstring(path):
    assert ast.get_docstring(parse(path)), "start the file with a docstring"


@each(EVERY_MODULE + EVERY_SCRIPT)
def test_a_file_stays_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines: which concept is missing?"


@each(EVERY_MODULE + EVERY_SCRIPT)
def test_a_module_is_named_for_its_content(path):
    vague = VAGUE.intersection({path.stem, *path.relative_to(ROOT).parent.parts})
    assert not vague, f"{vague} could hold anything"


@each(modules_of("domain"))
def test_the_domain_imports_only_what_is_pure(path):
    also = DOMAIN_MAY_ALSO_IMPORT.get(path, set())
    foreign = [
        name
        for name in imported(path)
        if not any(within(name, allowed) for allowed in DOMAIN_MAY_IMPORT | also)
    ]
    assert not foreign, f"the domain may not know {foreign}"


@each([path for path in modules_of("domain") if path != THE_EVENTS_CLOCK])
def test_the_domain_reads_no_clock_but_the_events(path):
    clocks = {"now", "utcnow", "today"}
    read = [
        node.func.attr
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in clocks
    ]
    assert not read, f"take the time from the event or as an argument, not from {read[0]}()"


@each(modules_of(*LAYERS))
def test_the_layers_do_not_import_the_facade(path):
    through = [
        name
        for name in imported(path)
        if within(name, "stackfold") and not any(within(name, f"stackfold.{x}") for x in LAYERS)
    ]
    assert not through, f"import {through} from the layer that has it"


# The workspace, and how files that users hand over are read and YAML is written.
WEB_MAY_IMPORT = tuple(
    f"stackfold.infrastructure.{name}" for name in ("workspace", "finished_run", "rerun_process")
)
CLI_MAY_IMPORT = tuple(f"stackfold.infrastructure.{name}" for name in ("workspace", "files"))


@each(modules_of("cli"))
def test_the_cli_knows_of_the_infrastructure_only_its_workspace(path):
    beyond = [
        name
        for name in imported(path)
        if within(name, "stackfold.infrastructure")
        and not any(within(name, allowed) for allowed in CLI_MAY_IMPORT)
    ]
    assert not beyond, f"ask the workspace for {beyond}"


@each(modules_of("web"))
def test_the_web_knows_of_the_infrastructure_only_its_workspace(path):
    beyond = [
        name
        for name in imported(path)
        if within(name, "stackfold.infrastructure")
        and not any(within(name, allowed) for allowed in WEB_MAY_IMPORT)
    ]
    assert not beyond, f"ask the workspace for {beyond}"


def test_the_package_links_to_every_layer_by_a_relative_path():
    for layer in LAYERS:
        link = PACKAGE / layer
        assert link.is_symlink(), f"{link} is not a link: see CONTRIBUTING.md on core.symlinks"
        assert link.readlink() == Path("..", "..", layer)


def test_the_package_contains_only_the_facade_and_the_layers():
    held = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    facade = {"__init__.py", "__main__.py", "artifacts.py", "errors.py", "pipelines.py"}
    facade |= {"eventsourcing.py", "flavors.py", "py.typed", "serve.py", "steps.py", "testing"}
    facade |= {"views.py"}
    assert held == {*facade, *LAYERS}


def test_importing_the_facade_loads_no_dependency():
    program = "import sys; was = {*sys.modules}; import stackfold; print(*{*sys.modules} - was)"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    foreign = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names
    assert foreign == {"stackfold"}
    assert not {name for name in loaded if name.startswith("stackfold.")}
