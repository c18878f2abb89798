"""Flavors that packages ship by entry points, and packages that disagree."""

import sys
import textwrap
from contextlib import suppress

import pytest
from runnable import training
from workspaces import STORE, stack

from stackfold.domain.errors import (
    DuplicateFlavor,
    InvalidFlavor,
    NameTaken,
    Protected,
    StackfoldError,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system import packages

ALERTER = ComponentType.ALERTER

PAGER = '''
"""Alerts."""
from stackfold.application import ports
from stackfold.application.ports import Alerter, Secret

class Pager(Alerter):
    """Wakes people up.

    And says why.
    """
    flavor = "pager"

    class Configuration(ports.Configuration):
        to: str
        retries: int = 3
        token: Secret | None = None

    def send(self, alert): ...
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module into the current folder; returns its name, which no other test has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}

    def module(text, name="acme"):
        name = f"{name}_{tmp_path.name}".replace("-", "_")
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return name

    yield module
    for name in {*sys.modules} - before:
        del sys.modules[name]


@pytest.fixture
def pager(ws, module):
    source = f"{module(PAGER)}.Pager"
    ws.flavors.register(ALERTER, source)
    return source


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a tiny distribution with entry points on the path, as pip would."""
    site = tmp_path / "site"
    info = site / "acme_flavors-1.2.dist-info"
    info.mkdir(parents=True)
    monkeypatch.syspath_prepend(site)
    before = {*sys.modules}

    def install(entry_points, **modules):
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: acme-flavors\nVersion: 1.2\nSummary: Flavors of Acme.\n"
        )
        (info / "entry_points.txt").write_text(f"[{packages.ENTRY_POINTS}]\n{entry_points}\n")
        for name, text in modules.items():
            (site / f"{name}.py").write_text(textwrap.dedent(text))
        packages._found.cache_clear()

    yield install
    packages._found.cache_clear()
    for name in {*sys.modules} - before:
        del sys.modules[name]


def test_a_package_ships_flavors_by_entry_point(ws, install):
    install("alerter.pager = acme_flavors_a:Pager", acme_flavors_a=PAGER)
    listed = ws.flavors.list(ALERTER)
    assert ("pager", "alerter", "acme-flavors", True, "Flavors of Acme.") in listed
    assert "acme_flavors_a" not in sys.modules
    described = ws.flavors.describe(ALERTER, "pager")
    assert described.source == "acme_flavors_a.Pager"
    view = ws.components.register(ALERTER, "ops", "pager", {"to": "ops"})
    assert view.flavor == "pager"
    with pytest.raises(Protected):
        ws.flavors.delete(ALERTER, "pager")
    with pytest.raises(NameTaken):
        ws.flavors.register(ALERTER, "acme_flavors_a.Pager")


@pytest.mark.parametrize(
    "entry_points",
    [
        "pager = acme_flavors_b:Pager",
        "rocket.pager = acme_flavors_b:Pager",
        "alerter.pager = acme_flavors_b",
        "alerter.pager = acme_flavors_b:Nothing",
        "alerter.pager = no_such_module:Pager",
        "alerter.pager = acme_flavors_b:Pager [extra]",
    ],
)
def test_a_careless_package_disturbs_nobody(ws, install, entry_points):
    install(entry_points, acme_flavors_b=PAGER)
    for type in ComponentType:
        for view in ws.flavors.list(type):
            with suppress(StackfoldError):
                ws.flavors.describe(type, view.name)
    assert ws.components.register(STORE, "shared", "local").name == "shared"


# -- packages that disagree


FOLDERS = """
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

class Folders(LocalArtifactStore):
    flavor = {name!r}
    requires = ("acme-client>=3",)
"""


def test_a_package_cannot_replace_a_built_in_flavor(ws, install):
    install(
        "artifact_store.local = acme_flavors_c:Folders", acme_flavors_c=FOLDERS.format(name="local")
    )
    assert ws.flavors.describe(STORE, "local").integration == "built-in"
    assert [view.name for view in ws.flavors.list(STORE)].count("local") == 1
    assert "acme_flavors_c" not in sys.modules
    (problem,) = ws.flavors.problems()
    assert "acme-flavors" in str(problem)
    assert "cannot be replaced" in str(problem)


def test_neither_of_two_flavors_of_one_name_can_be_used(ws, install, tmp_path):
    install("alerter.pager = acme_flavors_d:Pager", acme_flavors_d=PAGER)
    other = tmp_path / "site" / "other_flavors-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other-flavors\nVersion: 1.0\n")
    point = "alerter.pager = acme_flavors_d:Pager"
    (other / "entry_points.txt").write_text(f"[{packages.ENTRY_POINTS}]\n{point}\n")
    packages._found.cache_clear()
    for command in (
        lambda: ws.components.register(ALERTER, "ops", "pager", {"to": "ops"}),
        lambda: ws.flavors.describe(ALERTER, "pager"),
    ):
        with pytest.raises(DuplicateFlavor, match=r"2 alerter flavors 'pager', of .*uninstall"):
            command()
    (problem,) = ws.flavors.problems()
    assert "neither can be used" in str(problem)


def test_a_flavor_of_ones_own_and_a_packages_are_two_until_one_is_deleted(ws, pager, install):
    install("alerter.pager = acme_flavors_e:Pager", acme_flavors_e=PAGER)
    with pytest.raises(DuplicateFlavor, match="of acme-flavors, own"):
        ws.components.register(ALERTER, "ops", "pager", {"to": "ops"})
    ws.flavors.delete(ALERTER, "pager")
    assert ws.components.register(ALERTER, "ops", "pager", {"to": "ops"}).flavor == "pager"


def test_the_entry_point_and_the_class_must_agree_on_the_name(ws, install):
    install("alerter.beeper = acme_flavors_f:Pager", acme_flavors_f=PAGER)
    with pytest.raises(InvalidFlavor, match=r"'beeper'.*'pager': they must agree"):
        ws.components.register(ALERTER, "ops", "beeper", {"to": "ops"})


@pytest.mark.parametrize(
    ("entry_point", "problem"),
    [
        ("rocket.pager = acme_flavors_g:Pager", "there is no component type 'rocket'"),
        ("pager = acme_flavors_g:Pager", "there is no component type 'pager'"),
        ("alerter. = acme_flavors_g:Pager", "cannot name a flavor"),
        ("alerter.pager = acme_flavors_g", "it names no class: write module:Class"),
    ],
)
def test_what_no_flavor_can_be_is_reported(ws, install, entry_point, problem):
    install(entry_point, acme_flavors_g=PAGER)
    (found,) = ws.flavors.problems()
    assert str(found).startswith("the package acme-flavors has an entry point '")
    assert problem in str(found)


def test_what_a_package_needs_is_told_wherever_requirements_are(ws, install):
    install(
        "artifact_store.acme = acme_flavors_h:Folders", acme_flavors_h=FOLDERS.format(name="acme")
    )
    needed = ["acme-flavors", "acme-client>=3"]
    assert ws.flavors.describe(STORE, "acme").requires == needed
    ws.components.register(STORE, "archive", "acme")
    stack(ws, "prod", artifact_store="archive")
    assert ws.stacks.requirements("prod") == ["stackfold", *sorted(needed)]
    assert list(ws.integrations.requirements(["acme-flavors"])) == ["acme-flavors"]
    ws.components.register("image_builder", "builder", "local")
    ws.stacks.update("prod", image_builder="builder")
    recipe = ws.images.recipe(training, stack="prod")
    assert {*needed} <= {*recipe.requirements.split()}
