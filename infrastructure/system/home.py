"""Finds the home, which contains the log, and the project of the current folder."""

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
"""The maximum number of bytes that are read of a project file, which has about a hundred."""


class Project(NamedTuple):
    """A folder that has its own active stack."""

    folder: Path
    id: str
    store: str | None = None
    """The URL of the shared log of the project; None for the log in the home."""

    @property
    def scope(self) -> str:
        """The name of the scope of its active stack."""
        return f"project:{self.id}"


def home_folder() -> Path:
    """Return `STACKFOLD_HOME`, or a folder in the user's data folder.

    Raises:
        Unavailable: The user has no home folder, or `STACKFOLD_HOME` cannot be resolved.
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
    # Older versions of platformdirs return a folder named "~" if there is no home.
    if (os.name == "posix" and not os.path.isabs(home)) or not os.path.isabs(found):
        raise Unavailable("the home", problem)
    return found


def named_home(given: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a home.

    Raises:
        Unavailable: The path begins with `~` and an unknown user, or is relative to a deleted
            folder.
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
    """Return the absolute path of a folder, by default of the current one.

    Raises:
        InvalidFile: The path is relative to a deleted folder.
    """
    try:
        return Path(os.path.abspath(folder or os.curdir))
    except FileNotFoundError as error:
        problem = "the current folder was deleted: change to another one"
        raise InvalidFile(os.fspath(folder or os.curdir), problem) from error


def find_project(start: Path | None = None, home: Path | None = None) -> Project | None:
    """Return the project that contains a folder; None if there is none.

    Args:
        start: The folder; None for the current one.
        home: The home whose list of trusted projects is used; None for that of the user.

    Raises:
        UntrustedProject: The project belongs to another user, and is not trusted.
        InvalidFile: The project file is damaged.
    """
    folder = project_folder(start)
    if folder is None:
        return None

    def check(path: Path, file: int) -> None:
        from stackfold.infrastructure.system.trust import require_trusted_folder

        require_trusted_folder(path, file, home)

    return _read(folder, check)


def project_folder(start: Path | None = None) -> Path | None:
    """Return the folder of the project that contains a folder, even if it is not trusted."""
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
    """Return the project in a folder, even if it is not trusted.

    Raises:
        InvalidFile: The project file is damaged.
    """
    return _read(folder, lambda path, file: None)


def _has_project_file(folder: str) -> bool:
    # A file that cannot be read exists: a command must not ignore it.
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
        # Nonblocking, because the path may be a pipe.
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
    """Create a project in a folder, or change the store of an existing one.

    Args:
        folder: The folder.
        store: The URL of the shared log, without a password; None for the log in the home.

    Raises:
        Conflict: The folder is a project with this store already.
        InvalidFile: The project file cannot be written.
    """
    from uuid import uuid4

    path = folder / PROJECT_FOLDER / _PROJECT_FILE
    project = Project(folder, str(uuid4()), store)
    content = {"id": project.id, **({"store": store} if store else {})}
    try:
        # Never writable for others, whatever the umask is: it would not be trusted.
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
    return Conflict(f"{folder} is already a project: nothing to do")


def _with_store(folder: Path, path: Path, store: str) -> Project:
    project = read_project(folder)
    if project.store == store:
        raise _is_project(folder)
    replace_file(path, json.dumps({"id": project.id, "store": store}))
    return project._replace(store=store)


def named_folder(home: str | os.PathLike[str] | None) -> Path:
    """The folder of a home; None for the user's."""
    return named_home(home) if home else home_folder()
