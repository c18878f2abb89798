"""What is installed is told from folder names, and told anew when something is installed."""

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


def test_every_installed_distribution_is_there_with_its_version():
    expected = {environment.normal(each.metadata["name"]): each.version for each in distributions()}
    assert environment.packages() == expected


def test_what_comes_first_on_the_path_counts(site):
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
def test_a_name_has_one_spelling(site, folder, name, version):
    (site / folder).mkdir()
    assert environment.packages().get(name) == version


def test_something_installed_meanwhile_is_seen(site):
    assert "acme" not in environment.packages()
    time.sleep(0.01)  # as fine as file systems tell time
    (site / "acme-1.0.dist-info").mkdir()
    assert environment.version("acme") == "1.0"


def test_folders_that_are_not_there_do_no_harm(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, "/nowhere", "a\0b", "archive.zip"])
    assert environment.version("numpy")


def test_the_environment_says_which_python_on_which_machine():
    here = environment.environment()
    assert here.python == ".".join(map(str, sys.version_info[:3]))
    assert here.implementation == sys.implementation.name
    assert len(here.platform.split("-")) >= 3
    assert here.packages == environment.packages()
