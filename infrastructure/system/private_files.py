"""Creates folders and files that are as private as the folder they are in, under any umask."""

import os

_GROUP_AND_OTHERS = 0o077
_OTHERS_WRITE = 0o002


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Create a folder that only its owner can enter, and missing parents.

    A folder that exists keeps its mode: a group may share it.

    Raises:
        OSError: The folder cannot be created.
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
        os.chmod(path, 0o700)  # the umask may have removed bits


def make_folder_inside(folder: str | os.PathLike[str]) -> None:
    """Create a folder that is as private as its parent.

    Raises:
        OSError: The folder exists, or cannot be created.
    """
    above = os.stat(os.path.dirname(os.fspath(folder)) or os.curdir).st_mode
    if above & _GROUP_AND_OTHERS:
        os.mkdir(folder, 0o777 if above & _OTHERS_WRITE else 0o775)
    else:
        os.mkdir(folder, 0o700)
        os.chmod(folder, 0o700)  # the umask may have removed bits


def create_file(path: str | os.PathLike[str], *, exclusive: bool = True) -> int:
    """Create a file, and return its descriptor for reading and writing.

    In a private folder, only the owner can read the file. In a shared folder the umask decides, but
    other users can write the file only if they can write in the folder.

    Args:
        path: The file.
        exclusive: Whether a file that exists is an error; otherwise it is opened.

    Raises:
        OSError: The file cannot be created.
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
        # The umask may have removed bits. By descriptor, as a draft may be renamed by now.
        os.chmod(descriptor if os.chmod in os.supports_fd else path, mode)
    return descriptor


def others_may_write(folder: str | os.PathLike[str]) -> bool:
    """Whether any user of this machine may write in a folder; False if unknown."""
    try:
        return os.name == "posix" and bool(os.stat(folder).st_mode & _OTHERS_WRITE)
    except OSError:
        return False
