"""Which projects a user obeys: their own, root's, and those that they have trusted.

A project file is found by walking up from the current folder, so anybody who can write above it
could choose the log that commands write to. The rule is that of git's `safe.directory`: the file
and its folders must belong to the user or to root, or this home must have trusted the folder.
Who owns a file says nothing of a clone, so the address of a shared log is trusted by itself.
"""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stackfold.domain.errors import (
    InvalidFile,
    NotFound,
    StackfoldError,
    UntrustedProject,
    UntrustedStore,
)

if TYPE_CHECKING:
    from stackfold.infrastructure.database.url import Address
    from stackfold.infrastructure.system.home import Project

_TRUST_FILE = "trusted.json"


class Trusted(NamedTuple):
    """What a home has trusted."""

    folders: tuple[str, ...] = ()
    """The real paths of projects."""
    stores: tuple[str, ...] = ()
    """The addresses of shared logs, as project files spell them."""


class TrustedProject(NamedTuple):
    """A project that was trusted by name."""

    folder: Path
    store: str | None
    """Where the log is that it names, as it may be shown; None for the log in the home."""


def trusted(home: Path) -> Trusted:
    """What a home has trusted.

    Raises:
        InvalidFile: The list is damaged or cannot be read.
    """
    path = home / _TRUST_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Trusted(tuple(map(str, found["folders"])), tuple(map(str, found["stores"])))
    except (FileNotFoundError, NotADirectoryError):
        return Trusted()
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        problem = "is damaged: delete it and trust your projects again"
        raise InvalidFile(str(path), problem) from error


def trust(home: Path, *, folder: Path | None = None, store: str | None = None) -> None:
    """Trust the folder of a project, the address of a log, or both, from now on.

    Raises:
        InvalidFile: The list is damaged or cannot be written.
    """
    known = trusted(home)
    real = (os.path.realpath(folder),) if folder else ()
    wanted = Trusted(
        tuple(dict.fromkeys((*known.folders, *real))),
        tuple(dict.fromkeys((*known.stores, *filter(None, [store])))),
    )
    if wanted == known:
        return
    _write(home, wanted)


def _write(home: Path, content: Trusted) -> None:
    from stackfold.infrastructure.system.drafts import replace_file
    from stackfold.infrastructure.system.private_files import make_folder

    path = home / _TRUST_FILE
    try:
        make_folder(home)
        replace_file(path, json.dumps(content._asdict(), indent=1))
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error


def trust_project(home: Path, start: Path) -> TrustedProject:
    """Trust a project of somebody else, and the address of the log that it names.

    Args:
        home: The home that remembers it.
        start: A folder in the project.

    Raises:
        NotFound: The folder is in no project.
        Invalid: The project names a log by an address that is not to be used.
        InvalidFile: The project's file is damaged, or the list cannot be written.
    """
    from stackfold.infrastructure.database.url import address
    from stackfold.infrastructure.system.home import project_folder, read_project

    folder = project_folder(start)
    if folder is None:
        raise NotFound("project", str(start))
    project = read_project(folder)
    where = address(project.store) if project.store else None
    trust(home, folder=folder, store=where.url if where else None)
    return TrustedProject(folder, where.place if where else None)


def untrust_project(home: Path, start: Path) -> TrustedProject:
    """Revoke the trust of a project, and of the log that it names.

    Args:
        home: The home that trusts it.
        start: A folder in the project, or the folder of a project that was deleted.

    Returns:
        The project, with the log whose trust was revoked.

    Raises:
        NotFound: The home trusts neither the folder nor the log.
        InvalidFile: The list of trusted projects is damaged, or cannot be written.
    """
    from stackfold.infrastructure.system.home import project_folder

    folder = project_folder(start) or start
    known = trusted(home)
    where = _named_store(folder)
    if where and where.url not in known.stores:
        where = None
    real = os.path.realpath(folder)
    remaining = Trusted(
        tuple(each for each in known.folders if each != real),
        tuple(each for each in known.stores if not where or each != where.url),
    )
    if remaining == known:
        raise NotFound("trusted project", str(folder))
    _write(home, remaining)
    return TrustedProject(folder, where.place if where else None)


def _named_store(folder: Path) -> "Address | None":
    """The log that a project names; None if it names none, or cannot be read."""
    from stackfold.infrastructure.database.url import address
    from stackfold.infrastructure.system.home import read_project

    try:
        store = read_project(folder).store
        return address(store) if store else None
    except StackfoldError:
        return None


def create_trusted_project(home: Path, folder: Path, store: str | None) -> "Project":
    """Make a folder a project of this home; what is named on purpose needs no further trust.

    Args:
        home: The home.
        folder: The folder; it may lie in one of somebody else.
        store: The address of the log that the project is to name.

    Raises:
        Conflict: It is a project already, of that store.
        InvalidFile: It cannot be written.
    """
    from stackfold.infrastructure.system.home import create_project, find_project

    if store:
        trust(home, store=store.strip())
    project = create_project(folder, store)
    try:
        find_project(folder, home)
    except UntrustedProject:
        trust(home, folder=folder)
    return project


def require_trusted_folder(path: Path, file: int, home: Path | None) -> None:
    """Refuse a project whose file or folders are somebody else's, unless it was trusted.

    Args:
        path: The project file; the project's folder is two above it.
        file: The descriptor of the open file.
        home: Whose list counts; None for that of the user.

    Raises:
        UntrustedProject: It was not trusted.
        InvalidFile: The list of what was trusted is damaged.
    """
    folder = path.parent.parent
    problem = _strangeness(path, file)
    if problem and not is_trusted_folder(folder, home):
        raise UntrustedProject(str(folder), problem)


def is_trusted_folder(folder: Path, home: Path | None) -> bool:
    """Whether a folder was trusted by its name, in a home or by `STACKFOLD_TRUST`."""
    from stackfold.infrastructure.system.home import home_folder

    real = os.path.realpath(folder)
    # Absolute ones only: a relative one would trust whatever folder a command is run in.
    named = filter(os.path.isabs, os.environ.get("STACKFOLD_TRUST", "").split(os.pathsep))
    return real in map(os.path.realpath, named) or real in trusted(home or home_folder()).folders


def require_trusted_store(folder: Path, store: str, home: Path | None) -> None:
    """Refuse to contact the log that a project names, unless its address was trusted.

    Args:
        folder: The project's folder.
        store: The address.
        home: Whose list counts; None for that of the user.

    Raises:
        UntrustedStore: It was not trusted.
        Invalid: It is no address of a shared log.
        InvalidFile: The list of what was trusted is damaged.
    """
    from stackfold.infrastructure.database.url import address
    from stackfold.infrastructure.system.home import home_folder

    where = address(store)
    if where.url not in trusted(home or home_folder()).stores:
        raise UntrustedStore(str(folder), where.place)


def project_code_folder(home: Path) -> str | None:
    """The folder of the project that is worked in, if classes may be imported from it.

    Where others may write, its project file may be the user's own and the code beside it not: then
    the folder must have been trusted by name.
    """
    from stackfold.infrastructure.system.home import find_project

    try:
        project = find_project(home=home)
        if project is None:
            return None
        ours = os.name == "posix" and not _is_strange(os.stat(project.folder))
        return str(project.folder) if ours or is_trusted_folder(project.folder, home) else None
    except StackfoldError:  # whose it is, is said where the log is opened
        return None


def _strangeness(path: Path, file: int) -> str:
    """Why a project is not the user's own; empty if it is."""
    if os.name != "posix":
        # An owner cannot be asked for here: what was not trusted by its name does not count.
        return "this system does not tell whose it is"
    for status in (os.fstat(file), *_statuses(path)):
        if not _is_ours(status.st_uid):
            return f"it belongs to {_name(status.st_uid)}"
    if os.fstat(file).st_mode & stat.S_IWOTH:
        return "others may write its project file"
    return ""


def _statuses(path: Path) -> Iterator[os.stat_result]:
    # A link counts as well as what it leads to: its owner chose that.
    yield os.lstat(path)
    yield os.lstat(path.parent)
    yield os.stat(path.parent)
    yield os.stat(path.parent.parent)


def _is_strange(status: os.stat_result) -> bool:
    return not _is_ours(status.st_uid) or bool(status.st_mode & stat.S_IWOTH)


def _is_ours(owner: int) -> bool:
    user = os.geteuid()
    if owner in {0, user}:
        return True
    # As for git: who became root by sudo is still the one who owns the project.
    return user == 0 and os.environ.get("SUDO_UID") == str(owner)


def _name(user: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"the user with the id {user}"
