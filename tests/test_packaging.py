"""The built archives contain all the code, under one name, as plain files."""

import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("domain", "application", "infrastructure", "web", "cli")

pytestmark = pytest.mark.slow


def module_paths() -> set[str]:
    """Every module as the archive should name it, such as `stackfold/domain/stacks/stack.py`."""
    layers = {
        f"stackfold/{path.relative_to(ROOT)}"
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
    }
    source = ROOT / "src"
    facade = [*source.glob("stackfold/*.py"), *source.glob("stackfold/testing/**/*.py")]
    return layers | {str(path.relative_to(source)) for path in facade}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def sdist(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        yield archive


def test_the_wheel_puts_one_name_into_site_packages(wheel):
    names = {name.split("/")[0] for name in wheel.namelist()}
    assert names == {"stackfold", f"stackfold-{version('stackfold')}.dist-info"}


def test_the_wheel_contains_every_module(wheel):
    assert {name for name in wheel.namelist() if name.endswith(".py")} == module_paths()


def test_the_wheel_contains_what_the_pages_consist_of(wheel):
    files = {
        f"stackfold/{path.relative_to(ROOT)}"
        for folder in ("static", "templates", "vendor")
        for path in (ROOT / "web" / folder).iterdir()
    }
    assert files <= {*wheel.namelist()}


def test_the_wheel_is_marked_as_typed(wheel):
    assert "stackfold/py.typed" in wheel.namelist()


def test_the_sdist_contains_every_module_as_a_plain_file(sdist):
    modules = {
        member.name.split("/src/", 1)[1]: member
        for member in sdist.getmembers()
        if member.name.endswith(".py")
    }
    assert set(modules) == module_paths()
    assert all(member.isreg() for member in modules.values())


def test_the_sdist_contains_the_licence_and_the_readme(sdist):
    names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= names


def test_the_archives_contain_no_path_of_the_build_machine(wheel, sdist):
    here = str(ROOT).encode()
    assert not [name for name in wheel.namelist() if here in wheel.read(name)]
    files = (member for member in sdist.getmembers() if member.isfile())
    assert not [member.name for member in files if here in sdist.extractfile(member).read()]
