"""The folder of a pipeline's code: which one it is, and what of it goes into an image."""

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


def test_it_is_the_one_that_the_file_is_in(make):
    folder = make("models/train.py")
    assert code_folder(f"{folder}/models/train.py:training") == (
        folder / "models",
        "train.py:training",
    )


def test_of_a_module_in_a_package_it_is_the_one_that_the_package_is_in(make):
    folder = make("models/__init__.py", "models/large/__init__.py", "models/large/train.py")
    assert code_folder(f"{folder}/models/large/train.py:training") == (
        folder,
        "models.large.train:training",
    )


def test_in_a_project_it_is_the_project(make):
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
def test_a_pipeline_in_no_file_is_refused(place):
    with pytest.raises(InvalidPipeline, match="'training' is not in a file"):
        code_folder(f"{place}:training")


# -- what of it


def test_all_files_go_but_those_that_stay_out(make):
    folder = make("train.py", "steps/load.py", ".git/config", ".env", "data/a.csv")
    (folder / ".containerignore").write_text("data\n")
    assert paths(folder) == ["steps/load.py", "train.py"]


def test_a_file_is_taken_back_from_a_folder_that_stays_out(make):
    folder = make("train.py", "data/large.csv", "data/small.csv")
    (folder / ".containerignore").write_text("data\n!data/small.csv\n")
    assert paths(folder) == ["data/small.csv", "train.py"]


def test_an_environment_of_python_stays_out_whatever_it_is_called(make):
    folder = make("train.py", "python-for-this/pyvenv.cfg", "python-for-this/lib/a.py")
    assert paths(folder) == ["train.py"]


def test_the_log_and_its_secrets_stay_out_even_if_they_are_taken_back(make):
    folder = make("train.py", "log/log.sqlite", "log/secrets.json")
    (folder / ".containerignore").write_text("!log\n!log/**\n")
    os.symlink(folder / "log" / "secrets.json", folder / "harmless.json")
    assert paths(folder, never=folder / "log") == ["train.py"]


def test_a_link_within_the_folder_becomes_a_file(make):
    folder = make("train.py", "steps/load.py")
    os.symlink("steps/load.py", folder / "load.py")
    found = {each.path: each.location for each in files_of(folder, Path("/nowhere"))}
    assert found["load.py"] == folder / "steps" / "load.py"


def test_what_a_link_leads_out_of_the_folder_to_stays_out(make, tmp_path):
    folder = make("train.py")
    (tmp_path / "secret.txt").write_text("hunter2")
    (tmp_path / "code-evil").mkdir()
    (tmp_path / "code-evil" / "secret.txt").write_text("hunter2")
    os.symlink(tmp_path / "secret.txt", folder / "a.txt")
    os.symlink("../code-evil/secret.txt", folder / "b.txt")
    os.symlink(tmp_path, folder / "up")
    os.symlink("nothing", folder / "broken")
    assert paths(folder) == ["train.py"]


def test_a_link_does_not_let_in_under_another_name_what_stays_out(make):
    folder = make("train.py", ".env")
    os.symlink(".env", folder / "settings.txt")
    assert paths(folder) == ["train.py"]


def test_what_is_no_file_stays_out(make):
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
