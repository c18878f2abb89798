"""The code folder of a pipeline, and the files of it that are copied into an image."""

import os
import socket
from pathlib import Path

import pytest

from stackfold.domain.errors import InvalidPipeline
from stackfold.infrastructure.system.code_folder import code_folder, files_of
from stackfold.infrastructure.system.home import create_project


@pytest.fixture
def make(tmp_path):
    """A function from paths to files below `code`, which returns that folder."""

    def made(*paths):
        for path in paths:
            file = tmp_path / "code" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path)
        return tmp_path / "code"

    return made


def paths(folder, never=Path("/nowhere")):
    return sorted(each.path for each in files_of(folder, never))


# -- which one


def test_the_code_folder_is_that_of_the_file(make):
    folder = make("models/train.py")
    assert code_folder(f"{folder}/models/train.py:training") == (
        folder / "models",
        "train.py:training",
    )


def test_the_code_folder_of_a_package_is_its_parent(make):
    folder = make("models/__init__.py", "models/large/__init__.py", "models/large/train.py")
    assert code_folder(f"{folder}/models/large/train.py:training") == (
        folder,
        "models.large.train:training",
    )


def test_the_code_folder_in_a_project_is_the_project(make):
    folder = make("models/train.py")
    create_project(folder)
    assert code_folder(f"{folder}/models/train.py:training") == (
        folder,
        "models/train.py:training",
    )


def test_a_package_at_the_top_of_a_project_is_imported_as_such(make):
    folder = make("models/__init__.py", "models/train.py")
    create_project(folder)
    assert code_folder(f"{folder}/models/train.py:training") == (folder, "models.train:training")


def test_a_package_further_down_is_found_by_its_file(make):
    folder = make("src/models/__init__.py", "src/models/train.py")
    create_project(folder)
    assert code_folder(f"{folder}/src/models/train.py:training") == (
        folder,
        "src/models/train.py:training",
    )


@pytest.mark.parametrize("place", ["<stdin>", "/nowhere/train.py", "?"])
def test_a_pipeline_outside_a_file_is_rejected(place):
    with pytest.raises(InvalidPipeline, match="'training' is not in a file"):
        code_folder(f"{place}:training")


# -- what of it


def test_all_files_are_included_except_ignored_ones(make):
    folder = make("train.py", "steps/load.py", ".git/config", ".env", "data/a.csv")
    (folder / ".containerignore").write_text("data\n")
    assert paths(folder) == ["steps/load.py", "train.py"]


def test_a_file_in_an_ignored_folder_can_be_included(make):
    folder = make("train.py", "data/large.csv", "data/small.csv")
    (folder / ".containerignore").write_text("data\n!data/small.csv\n")
    assert paths(folder) == ["data/small.csv", "train.py"]


def test_a_virtual_environment_is_excluded_whatever_its_name(make):
    folder = make("train.py", "python-for-this/pyvenv.cfg", "python-for-this/lib/a.py")
    assert paths(folder) == ["train.py"]


def test_the_log_and_its_secrets_are_excluded_even_if_a_line_includes_them(make):
    folder = make("train.py", "log/log.sqlite", "log/secrets.json")
    (folder / ".containerignore").write_text("!log\n!log/**\n")
    os.symlink(folder / "log" / "secrets.json", folder / "harmless.json")
    assert paths(folder, never=folder / "log") == ["train.py"]


def test_a_link_within_the_folder_becomes_a_file(make):
    folder = make("train.py", "steps/load.py")
    os.symlink("steps/load.py", folder / "load.py")
    found = {each.path: each.location for each in files_of(folder, Path("/nowhere"))}
    assert found["load.py"] == folder / "steps" / "load.py"


def test_a_link_out_of_the_folder_is_excluded(make, tmp_path):
    folder = make("train.py")
    (tmp_path / "secret.txt").write_text("hunter2")
    (tmp_path / "code-evil").mkdir()
    (tmp_path / "code-evil" / "secret.txt").write_text("hunter2")
    os.symlink(tmp_path / "secret.txt", folder / "a.txt")
    os.symlink("../code-evil/secret.txt", folder / "b.txt")
    os.symlink(tmp_path, folder / "up")
    os.symlink("nothing", folder / "broken")
    assert paths(folder) == ["train.py"]


def test_a_link_does_not_include_an_ignored_file_under_another_name(make):
    folder = make("train.py", ".env")
    os.symlink(".env", folder / "settings.txt")
    assert paths(folder) == ["train.py"]


def test_sockets_and_devices_are_excluded(make):
    folder = make("train.py")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(folder)  # the whole path would be too long for one
        try:
            listening.bind("socket")
        finally:
            os.chdir(before)
        assert paths(folder) == ["train.py"]


def test_a_folder_that_is_reached_by_a_link_is_the_same(make, tmp_path):
    folder = make("train.py")
    os.symlink(folder, tmp_path / "elsewhere")
    assert paths(tmp_path / "elsewhere") == ["train.py"]
    assert code_folder(f"{tmp_path}/elsewhere/train.py:training").folder == folder
