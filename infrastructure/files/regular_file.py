"""Opens files of users to be stored: no links, devices or pipes."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from stackfold.domain.errors import InvalidFile


def regular_file(path: Path) -> os.stat_result:
    """Return the status of a regular file.

    Raises:
        InvalidFile: It does not exist, or is a link, a device, a pipe or a folder.
    """
    try:
        status = os.lstat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is invalid"
        raise InvalidFile(str(path), f"cannot be read: {reason}") from error
    if stat.S_ISLNK(status.st_mode):
        raise InvalidFile(str(path), "is a link: give the file that it leads to")
    if stat.S_ISDIR(status.st_mode):
        raise InvalidFile(str(path), "is a folder: give a file")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidFile(str(path), "is a device or a pipe: give a file")
    return status


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; raises as `regular_file`."""
    regular_file(path)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be read: {error.strerror}") from error
    # Replaced since it was looked at, such as by a pipe.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InvalidFile(str(path), "is not a file any more")
    return file
