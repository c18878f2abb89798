"""Where things are: the home that holds the log, and the project somebody works in."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from stackfold.domain.errors import Conflict, InvalidFile, Unavailable
from stackfold.infrastructure.system.drafts import delete_abandoned, replace_file, write_new_file

PROJECT_FOLDER = ".stackfold"
_PROJECT_FILE = "project.json"
LOG_FILE = "log.sqlite"
SECRETS_FOLDER = "secrets"
"""The folder in the home that only its owner may enter."""
_LONGEST = 64 * 1024
"""Bytes that are read of a project file; it needs a hundred."""


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
    """`STACKFOLD_HOME`, or else the user's data folder.

    Raises:
        Unavailable: The user has no home folder, or the variable names none.
    """
    given = os.environ.get("STACKFOLD_HOME")
    if given:
        return named_home(given)
    from platformdirs import user_data_path

    problem = "HOME names no folder: set it, or set STACKFOLD_HOME"
    try:
        found = user_data_path("stackfold", appauthor=False)
    except RuntimeError as error:  # the system does not know the user
        raise Unavailable("the home", problem) from error
    home = "/" if os.environ.get("XDG_DATA_HOME") else os.environ.get("HOME", "/")
    # Older versions of the library would make a folder called "~" without a home.
    if (os.name == "posix" and not os.path.isabs(home)) or not os.path.isabs(found):
        raise Unavailable("the home", problem)
    return found


def named_home(given: str | os.PathLike[str]) -> Path:
    """The absolute path of a home that a user names.

    Raises:
        Unavailable: It begins with `~` and there is no such user, or it is relative to a folder
            that was deleted.
    """
    path = os.path.expanduser(given)
    if str(path).startswith("~"):
        raise Unavailable("the home", f"{given} cannot be resolved: write the path in full")
    try:
        return Path(os.path.abspath(path))
    except FileNotFoundError as error:
        problem = f"{given} is relative, and the current folder was deleted"
        raise Unavailable("the home", problem) from error


def absolute_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """The absolute path of a folder, by default the current one.

    Raises:
        InvalidFile: It is relative to a folder that was deleted.
    """
    try:
        return Path(os.path.abspath(folder or os.curdir))
    except FileNotFoundError as error:
        problem = "the current folder was deleted: change to another one"
        raise InvalidFile(os.fspath(folder or os.curdir), problem) from error


def find_project(start: Path | None = None, home: Path | None = None) -> Project | None:
    """The project that a folder, by default the current one, lies in.

    Args:
        start: The folder.
        home: Whose list of trusted projects counts; None for that of the user.

    Raises:
        UntrustedProject: It is somebody else's, and was not trusted.
        InvalidFile: The project's file is damaged.
    """
    folder = project_folder(start)
    if folder is None:
        return None

    def check(path: Path, file: int) -> None:
        from stackfold.infrastructure.system.trust import require_trusted_folder

        require_trusted_folder(path, file, home)

    return _read(folder, check)


def project_folder(start: Path | None = None) -> Path | None:
    """The folder of the project that a folder lies in, whoever it belongs to."""
    try:
        folder = os.path.realpath(start) if start else os.getcwd()
    except FileNotFoundError:
        # The current folder was deleted.
        return None
    while not _has_project_file(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return Path(folder)


def read_project(folder: Path) -> Project:
    """The project in a folder, whoever it belongs to.

    Raises:
        InvalidFile: Its file is damaged.
    """
    return _read(folder, lambda path, file: None)


def _has_project_file(folder: str) -> bool:
    # One that cannot be read is there all the same: a command must not go on without it.
    inner = os.path.join(folder, PROJECT_FOLDER)
    try:
        os.lstat(os.path.join(inner, _PROJECT_FILE))
    except PermissionError:
        return os.path.lexists(inner)
    except (OSError, ValueError):
        return False
    return True


def _read(folder: Path, check: Callable[[Path, int], None]) -> Project:
    path = folder / PROJECT_FOLDER / _PROJECT_FILE
    try:
        # Not to wait for a pipe that somebody put in its place.
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except PermissionError as error:
        raise InvalidFile(str(path), "cannot be read: ask its owner, or work elsewhere") from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be read: {error.strerror}") from error
    try:
        check(path, file)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise InvalidFile(str(path), "is not a file: delete it and run `stackfold init`")
        found = json.loads(os.read(file, _LONGEST))
        store = found.get("store")
        if store is not None and not isinstance(store, str):
            raise TypeError("a store is an address")
        return Project(folder, str(found["id"]), store)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidFile(str(path), "is damaged: delete it and run `stackfold init`") from error
    finally:
        os.close(file)


def create_project(folder: Path, store: str | None = None) -> Project:
    """Make a folder a project, or give a project that is one already another store.

    Args:
        folder: The folder.
        store: The address of the log that its people share, without a password.

    Raises:
        Conflict: It is one already, of that store.
        InvalidFile: It cannot be written.
    """
    from uuid import uuid4

    path = folder / PROJECT_FOLDER / _PROJECT_FILE
    project = Project(folder, str(uuid4()), store)
    content = {"id": project.id, **({"store": store} if store else {})}
    try:
        # Others may never write it, whatever the umask is: then it would count as theirs.
        path.parent.mkdir(0o775, exist_ok=True)
        if store and path.is_file():
            return _with_store(folder, path, store)
        delete_abandoned(path.parent)
        write_new_file(path, json.dumps(content), _create_for_others_to_read)
    except FileExistsError as error:
        raise _is_project(folder) from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
    return project


def _create_for_others_to_read(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o664)


def _is_project(folder: Path) -> Conflict:
    return Conflict(f"{folder} is a project already: nothing to do")


def _with_store(folder: Path, path: Path, store: str) -> Project:
    project = read_project(folder)
    if project.store == store:
        raise _is_project(folder)
    replace_file(path, json.dumps({"id": project.id, "store": store}))
    return project._replace(store=store)
