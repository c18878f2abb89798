"""Where things are: the home that holds the log, and the project somebody works in."""

import json
import os
from pathlib import Path
from typing import NamedTuple

from stackfold.domain.errors import InvalidFile, ProjectExists

PROJECT_FOLDER = ".stackfold"
_PROJECT_FILE = "project.json"
LOG_FILE = "log.sqlite"


class Project(NamedTuple):
    """A folder with an active stack of its own."""

    folder: Path
    id: str

    @property
    def scope(self) -> str:
        """The name of its scope in the log."""
        return f"project:{self.id}"


def home_folder() -> Path:
    """`STACKFOLD_HOME`, or else the user's data folder."""
    given = os.environ.get("STACKFOLD_HOME")
    if given:
        return Path(os.path.abspath(os.path.expanduser(given)))
    from platformdirs import user_data_path

    return user_data_path("stackfold", appauthor=False)


def find_project(start: Path | None = None) -> Project | None:
    """The project that a folder, by default the current one, lies in.

    Raises:
        InvalidFile: The project's file is damaged.
    """
    try:
        folder = os.path.abspath(start or os.getcwd())
    except FileNotFoundError:
        # The current folder was deleted.
        return None
    while not os.path.isfile(os.path.join(folder, PROJECT_FOLDER, _PROJECT_FILE)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    path = Path(folder, PROJECT_FOLDER, _PROJECT_FILE)
    try:
        return Project(Path(folder), str(json.loads(path.read_text())["id"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidFile(str(path), "is damaged: delete it and run `stackfold init`") from error


def create_project(folder: Path) -> Project:
    """Make a folder a project.

    Raises:
        ProjectExists: It is one already.
        InvalidFile: It cannot be written.
    """
    from uuid import uuid4

    path = folder / PROJECT_FOLDER / _PROJECT_FILE
    project = Project(folder, str(uuid4()))
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x") as file:
            json.dump({"id": project.id}, file)
    except FileExistsError as error:
        raise ProjectExists(str(folder)) from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
    return project
