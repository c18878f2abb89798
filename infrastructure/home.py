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
    store: str | None = None
    """The address of the log that its people share; None for the log in one's own home."""

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
        found = json.loads(path.read_text())
        return Project(Path(folder), str(found["id"]), found.get("store"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidFile(str(path), "is damaged: delete it and run `stackfold init`") from error


def create_project(folder: Path, store: str | None = None) -> Project:
    """Make a folder a project, or give a project that is one already another store.

    Args:
        folder: The folder.
        store: The address of the log that its people share, without a password.

    Raises:
        ProjectExists: It is one already, of that store.
        InvalidFile: It cannot be written.
    """
    from uuid import uuid4

    path = folder / PROJECT_FOLDER / _PROJECT_FILE
    project = Project(folder, str(uuid4()), store)
    content = {"id": project.id, **({"store": store} if store else {})}
    try:
        path.parent.mkdir(exist_ok=True)
        if store and path.is_file():
            return _with_store(folder, path, store)
        with path.open("x") as file:
            json.dump(content, file)
    except FileExistsError as error:
        raise ProjectExists(str(folder)) from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
    return project


def _with_store(folder: Path, path: Path, store: str) -> Project:
    project = find_project(folder)
    if project is None or project.store == store:
        raise ProjectExists(str(folder))
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"id": project.id, "store": store}))
    draft.replace(path)
    return project._replace(store=store)
