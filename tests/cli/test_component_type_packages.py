"""Component types that packages declare by entry points, on the command line."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from transcript import replay

from stackfold import ComponentType, Workspace
from stackfold.infrastructure.system import component_type_packages, entry_points, packages

SESSIONS = Path(__file__).parents[1] / "golden" / "component_types"
ARGUMENTS = re.compile(r"Arguments:\n(  .*\n)+")
"""The part of a help text that differs in versions of typer: docs/decisions/0065."""
TYPES = """
from stackfold import ComponentType

VECTOR_STORE = ComponentType(
    "vector_store", port="acme_ports:VectorStore", description="Manage stores of vectors."
)
FEATURE_FLAG = ComponentType("feature_flag", port="acme_ports:FeatureFlag", several_per_stack=True)
"""
PORTS = '''
from acme_types import FEATURE_FLAG, VECTOR_STORE
from stackfold.flavors import Configuration, StackComponent

class VectorStore(StackComponent):
    component_type = VECTOR_STORE

class FeatureFlag(StackComponent):
    component_type = FEATURE_FLAG

class Memory(VectorStore):
    """Keeps vectors in memory."""
    flavor = "memory"
    class Configuration(Configuration):
        dimensions: int = 3

class Fixed(FeatureFlag):
    """A flag that nobody switches."""
    flavor = "fixed"
    class Configuration(Configuration):
        on: bool = False
'''
DECLARATIONS = """
vector_store = acme_types:VECTOR_STORE
feature_flag = acme_types:FEATURE_FLAG
"""
FLAVORS = """
[stackfold.flavors]
vector_store.memory = acme_ports:Memory
feature_flag.fixed = acme_ports:Fixed
"""


class Environment:
    """A folder on the path, into which packages are installed as by pip."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, declarations, rest="", name="acme-vectors", **modules):
        info = self.folder / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nSummary: Vectors of Acme.\n"
        )
        (info / "entry_points.txt").write_text(
            f"[{component_type_packages.ENTRY_POINTS}]\n{declarations}\n{rest}"
        )
        for module, text in modules.items():
            (self.folder / f"{module}.py").write_text(text)
        self.forget()

    def install_acme(self):
        self.install(DECLARATIONS, FLAVORS, acme_types=TYPES, acme_ports=PORTS)

    def uninstall(self):
        shutil.rmtree(self.folder)
        self.forget()

    def forget(self):
        """Forget what this process has read, as a new one would."""
        component_type_packages.installed_types.cache_clear()
        entry_points.mentioned.cache_clear()
        packages._found.cache_clear()
        for name in [each for each in sys.modules if each.startswith("acme_")]:
            del sys.modules[name]


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    environment = Environment(folder)
    yield environment
    environment.forget()


def test_a_package_adds_commands_and_what_they_recorded_outlives_it(
    site, cli, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "environ", os.environ.copy())
    site.install_acme()
    for name in ("installed", "missing"):
        if name == "missing":
            site.uninstall()
        path = SESSIONS / f"{name}.txt"
        session = path.read_text()
        now = replay(session, cli, tmp_path)
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(now)
        else:
            assert ARGUMENTS.sub("", now) == ARGUMENTS.sub("", session)


@pytest.mark.parametrize(
    ("declaration", "module", "problem"),
    [
        ("a_type = acme_broken:TYPE", "1 / 0", "ZeroDivisionError: division by zero"),
        ("a_type = acme_broken:TYPE", "raise SystemExit(3)", "SystemExit: 3"),
        ("a_type = acme_broken:TYPE", "", "has no attribute 'TYPE'"),
        ("a_type = no_such_module:TYPE", "", "No module named 'no_such_module'"),
        ("a_type = acme_broken:TYPE", "TYPE = 'a_type'", "declare it with ComponentType"),
        (
            "a_type = acme_broken:TYPE",
            "from stackfold import ComponentType\nTYPE = ComponentType('other', port='a:B')",
            "declares 'other': the names must agree",
        ),
        (
            "run = acme_broken:TYPE",
            "from stackfold import ComponentType\nTYPE = ComponentType('run', port='a:B')",
            "a command or an option has that name",
        ),
        (
            "alerter = acme_broken:TYPE",
            "from stackfold import ComponentType\nTYPE = ComponentType.ALERTER",
            "Stackfold has a component type of that name",
        ),
    ],
)
def test_a_broken_package_breaks_nothing_else(site, cli, declaration, module, problem):
    site.install(declaration, acme_broken=module)
    for command in ("--help", "stack list", "stack register --help", "alerter list"):
        assert cli(*command.split()).code == 0
    name = declaration.partition(" ")[0]
    assert problem in cli("integration", "list").err
    if name == "a_type":
        assert f"'{name}' cannot be" in problem_of(
            lambda ws: ws.components.register(name, "a", "b")
        )


def problem_of(act):
    with Workspace.in_memory() as ws, pytest.raises(Exception) as caught:  # noqa: PT011
        act(ws)
    return str(caught.value)


def test_two_packages_that_declare_one_type_are_named(site, cli):
    site.install_acme()
    site.install("vector_store = acme_types:VECTOR_STORE", name="other-vectors")
    both = "the packages 'acme-vectors' and 'other-vectors' declare it: uninstall one of them"
    assert both in problem_of(lambda ws: ws.components.register("vector_store", "a", "memory"))
    assert both in cli("integration", "list").err
    assert "vector-store" not in cli("--help").out
    assert "feature-flag" in cli("--help").out


def test_a_flavor_of_a_type_that_is_not_declared_is_a_problem(site):
    site.install("", FLAVORS, acme_ports=PORTS, acme_types=TYPES)
    with Workspace.in_memory() as ws:
        found = {str(each) for each in ws.flavors.problems()}
    assert len(found) == 2
    assert any("there is no component type 'vector_store'" in each for each in found)


def test_a_program_may_declare_what_a_package_declares_too(site):
    site.install_acme()
    import acme_types

    with Workspace.in_memory(component_types=[acme_types.VECTOR_STORE]) as ws:
        assert ws.components.types()[-2:] == ["vector_store", "feature_flag"]
        ws.components.register("vector_store", "main", "memory")


def test_events_name_the_package(site):
    site.install_acme()
    with Workspace.in_memory() as ws:
        ws.components.register(ComponentType("vector_store"), "main", "memory")
        ((state,),) = ws._database.read("SELECT state FROM events ORDER BY position DESC LIMIT 1")
    assert b'"package":"acme-vectors"' in state


def test_options_and_names_are_completed(site, cli):
    from stackfold.cli.app import command

    site.install_acme()
    root = command()
    context = root.make_context("stackfold", ["x"], resilient_parsing=True)
    names = [each.value for each in root.shell_complete(context, "vec")]
    assert names == ["vector-store"]


def test_nothing_is_imported_without_such_packages(site):
    assert not entry_points.mentioned(component_type_packages.ENTRY_POINTS)
    site.install_acme()
    assert entry_points.mentioned(component_type_packages.ENTRY_POINTS)
