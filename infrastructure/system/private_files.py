"""Folders and files that are as private as the folder they are made in, under any umask."""

import os

_GROUP_AND_OTHERS = 0o077
_OTHERS_WRITE = 0o002


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Create a folder that only its owner gets into, and any missing ones above it.

    One that exists keeps its mode: a group may share it.

    Raises:
        OSError: It cannot be created.
    """
    path = os.fspath(folder)
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    if above and above != path:
        make_folder(above)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    else:
        os.chmod(path, 0o700)  # whatever the umask took away


def make_folder_inside(folder: str | os.PathLike[str]) -> None:
    """Create a folder that is as private as the one that it is in.

    Raises:
        OSError: It exists, or cannot be created.
    """
    above = os.stat(os.path.dirname(os.fspath(folder)) or os.curdir).st_mode
    if above & _GROUP_AND_OTHERS:
        os.mkdir(folder, 0o777 if above & _OTHERS_WRITE else 0o775)
    else:
        os.mkdir(folder, 0o700)
        os.chmod(folder, 0o700)  # whatever the umask took away


def create_file(path: str | os.PathLike[str], *, exclusive: bool = True) -> int:
    """Create a file, and return its descriptor for reading and writing.

    In a private folder only its owner can read it. In a shared one the umask decides, but others
    can never write it unless they can write in the folder.

    Args:
        path: The file.
        exclusive: Refuse a file that exists; else it is opened as it is.

    Raises:
        OSError: It cannot be created.
    """
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
    folder = os.stat(os.path.dirname(path) or os.curdir).st_mode
    private = not folder & _GROUP_AND_OTHERS
    mode = 0o600 if private else 0o666 if folder & _OTHERS_WRITE else 0o664
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        if exclusive:
            raise
        return os.open(path, flags)
    if private:
        # Whatever the umask took away; by descriptor, as a draft's name may be gone by now.
        os.chmod(descriptor if os.chmod in os.supports_fd else path, mode)
    return descriptor


def others_may_write(folder: str | os.PathLike[str]) -> bool:
    """Whether any user of this machine may write in a folder; False if that cannot be known."""
    try:
        return os.name == "posix" and bool(os.stat(folder).st_mode & _OTHERS_WRITE)
    except OSError:
        return False
