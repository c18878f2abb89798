"""Trust: which project files commands use.

A project file is found by walking up from the current folder, so another user who can write there
could choose the log that commands write to. The rule is that of git's `safe.directory`: the file
and its folders must belong to the user or to root, or the home must trust the folder. A clone
belongs to the user whatever its origin, so the URL of a shared log must be trusted separately.
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
    from stackfold.infrastructure.system.database_url import DatabaseUrl
    from stackfold.infrastructure.system.home import Project

_TRUST_FILE = "trusted.json"


class Trusted(NamedTuple):
    """The folders and URLs that a home trusts."""

    folders: tuple[str, ...] = ()
    """The real paths of projects."""
    stores: tuple[str, ...] = ()
    """The URLs of shared logs, as in project files."""


class TrustedProject(NamedTuple):
    """A project that a user has trusted."""

    folder: Path
    store: str | None
    """The location of its shared log, without a password; None for the log in the home."""


def trusted(home: Path) -> Trusted:
    """Return the folders and URLs that a home trusts.

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
    """Trust the folder of a project, the URL of a log, or both.

    Args:
        home: The home that stores the list.
        folder: The folder of a project.
        store: The URL of a shared log.

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
    """Trust a project of another user, and the URL of its log.

    Args:
        home: The home that stores the list.
        start: A folder in the project.

    Raises:
        NotFound: The folder is not in a project.
        Invalid: The project names a log by an address that is not to be used.
        InvalidFile: The project's file is damaged, or the list cannot be written.
    """
    from stackfold.infrastructure.system.database_url import parse_database_url
    from stackfold.infrastructure.system.home import project_folder, read_project

    folder = project_folder(start)
    if folder is None:
        raise NotFound("project", str(start))
    project = read_project(folder)
    where = parse_database_url(project.store) if project.store else None
    trust(home, folder=folder, store=where.url if where else None)
    return TrustedProject(folder, where.location if where else None)


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
    return TrustedProject(folder, where.location if where else None)


def _named_store(folder: Path) -> "DatabaseUrl | None":
    """The log that a project names; None if it names none, or cannot be read."""
    from stackfold.infrastructure.system.database_url import parse_database_url
    from stackfold.infrastructure.system.home import read_project

    try:
        store = read_project(folder).store
        return parse_database_url(store) if store else None
    except StackfoldError:
        return None


def create_trusted_project(home: Path, folder: Path, store: str | None) -> "Project":
    """Create a project, and trust its folder and the URL of its log.

    Args:
        home: The home that stores the list.
        folder: The folder; its parents may belong to another user.
        store: The URL of the shared log of the project; None for the log in the home.

    Raises:
        Conflict: The folder is a project with this store already.
        InvalidFile: The project file cannot be written.
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
    """Reject a project whose file or folders belong to another user, unless it is trusted.

    Args:
        path: The project file, two levels below the project's folder.
        file: The descriptor of the open file.
        home: The home whose list is used; None for that of the user.

    Raises:
        UntrustedProject: The project is not trusted.
        InvalidFile: The list of trusted projects is damaged.
    """
    folder = path.parent.parent
    problem = _why_untrusted(path, file)
    if problem and not is_trusted_folder(folder, home):
        raise UntrustedProject(str(folder), problem)


def is_trusted_folder(folder: Path, home: Path | None) -> bool:
    """Whether a folder is trusted in a home or by `STACKFOLD_TRUST`."""
    from stackfold.infrastructure.system.home import home_folder

    real = os.path.realpath(folder)
    # Only absolute paths: a relative one would depend on the current folder.
    named = filter(os.path.isabs, os.environ.get("STACKFOLD_TRUST", "").split(os.pathsep))
    return real in map(os.path.realpath, named) or real in trusted(home or home_folder()).folders


def require_trusted_store(folder: Path, store: str, home: Path | None) -> None:
    """Reject the log of a project unless its URL is trusted.

    Args:
        folder: The folder of the project.
        store: The URL of the log.
        home: The home whose list is used; None for that of the user.

    Raises:
        UntrustedStore: The URL is not trusted.
        Invalid: It is not the URL of a shared log.
        InvalidFile: The list of trusted URLs is damaged.
    """
    from stackfold.infrastructure.system.database_url import parse_database_url
    from stackfold.infrastructure.system.home import home_folder

    where = parse_database_url(store)
    if where.url not in trusted(home or home_folder()).stores:
        raise UntrustedStore(str(folder), where.location)


def project_code_folder(home: Path) -> str | None:
    """Return the folder of the current project, if classes may be imported from it.

    A folder that others may write in must be trusted explicitly: the code in it may be theirs.
    """
    from stackfold.infrastructure.system.home import find_project

    try:
        project = find_project(home=home)
        if project is None:
            return None
        safe = os.name == "posix" and _is_safe(os.stat(project.folder))
        return str(project.folder) if safe or is_trusted_folder(project.folder, home) else None
    except StackfoldError:  # reported where the log is opened
        return None


def why_not_trusted(path: Path, folder: Path, home: Path | None) -> str:
    """Why a file could have been written by somebody else; empty if its folder is trusted.

    Args:
        path: The file.
        folder: The folder that the user can trust.
        home: The home whose list is used; None for that of the user.

    Raises:
        OSError: The file is missing or cannot be read.
        InvalidFile: The list of trusted projects is damaged.
    """
    real = Path(os.path.realpath(path))
    statuses = [os.lstat(path), *map(os.stat, (path, path.parent, real.parent))]
    problem = "" if os.name == "posix" else "this system does not show its owner"
    for status in statuses if not problem else ():
        if not _is_trusted_owner(status.st_uid):
            problem = f"it belongs to {_name(status.st_uid)}"
        elif not stat.S_ISLNK(status.st_mode) and status.st_mode & stat.S_IWOTH:
            problem = "others may write it"
    return problem if problem and not is_trusted_folder(folder, home) else ""


def _why_untrusted(path: Path, file: int) -> str:
    """Why a project must be trusted explicitly; empty if it need not be."""
    if os.name != "posix":
        return "this system does not show its owner"
    for status in (os.fstat(file), *_statuses(path)):
        if not _is_trusted_owner(status.st_uid):
            return f"it belongs to {_name(status.st_uid)}"
    if os.fstat(file).st_mode & stat.S_IWOTH:
        return "others may write its project file"
    return ""


def _statuses(path: Path) -> Iterator[os.stat_result]:
    # A link and its target: the owner of the link chose the target.
    yield os.lstat(path)
    yield os.lstat(path.parent)
    yield os.stat(path.parent)
    yield os.stat(path.parent.parent)


def _is_safe(status: os.stat_result) -> bool:
    return _is_trusted_owner(status.st_uid) and not status.st_mode & stat.S_IWOTH


def _is_trusted_owner(owner: int) -> bool:
    user = os.geteuid()
    if owner in {0, user}:
        return True
    # Like git: with sudo, the user who ran it owns the project.
    return user == 0 and os.environ.get("SUDO_UID") == str(owner)


def _name(user: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"the user with the id {user}"
