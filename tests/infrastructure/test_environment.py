"""Installed packages are found by folder names, also those that are installed later."""

import sys
import time
from importlib.metadata import distributions

import pytest

from stackfold.infrastructure.system import environment


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that comes first on the import path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    return folder


def test_every_installed_distribution_has_its_version():
    expected = {environment.normal(each.metadata["name"]): each.version for each in distributions()}
    assert environment.packages() == expected


def test_the_first_folder_on_the_path_takes_precedence(site):
    (site / "numpy-0.0.1.dist-info").mkdir()
    assert environment.packages()["numpy"] == "0.0.1"


@pytest.mark.parametrize(
    ("folder", "name", "version"),
    [
        ("Acme_Tools-1.2.dist-info", "acme-tools", "1.2"),
        ("acme.tools-1.2rc1+local.dist-info", "acme-tools", "1.2rc1+local"),
        ("acme_tools-1.2-py3.11.egg-info", "acme-tools", "1.2"),
        ("acme_tools.egg-info", "acme-tools", None),
    ],
)
def test_names_are_normalized(site, folder, name, version):
    (site / folder).mkdir()
    assert environment.packages().get(name) == version


def test_a_package_that_is_installed_later_is_found(site):
    assert "acme" not in environment.packages()
    time.sleep(0.01)  # as fine as file systems tell time
    (site / "acme-1.0.dist-info").mkdir()
    assert environment.version("acme") == "1.0"


def test_missing_folders_are_ignored(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, "/nowhere", "a\0b", "archive.zip"])
    assert environment.version("numpy")


def test_the_environment_has_the_python_version_and_the_platform():
    here = environment.environment()
    assert here.python == ".".join(map(str, sys.version_info[:3]))
    assert here.implementation == sys.implementation.name
    assert len(here.platform.split("-")) >= 3
    assert here.packages == environment.packages()
