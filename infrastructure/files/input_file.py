"""Reading what users hand over: files and pipes up to a size, and no devices."""

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from stackfold.domain.errors import InvalidFile, TooLarge
from stackfold.domain.limits import size


def read_bytes(path: Path, limit: int) -> bytes:
    """What a file or a pipe holds.

    Args:
        path: The file; that of a pipe, such as `/dev/fd/63`, is one.
        limit: The most bytes.

    Raises:
        InvalidFile: It cannot be read, or is a device.
        TooLarge: It holds more.
    """
    try:
        reject_device(path)
        with path.open("rb") as file:
            return _upto(file, limit, str(path))
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be read: {error.strerror}") from error


def read_text(path: Path, limit: int) -> str:
    """The text that a file or a pipe holds, in UTF-8; raises as `read_bytes`."""
    return _decoded(read_bytes(path, limit), str(path))


def read_stdin_bytes(limit: int) -> bytes:
    """What comes from stdin.

    Raises:
        TooLarge: It is more than so many bytes.
    """
    return _upto(sys.stdin.buffer, limit, "stdin")


def read_stdin(limit: int) -> str:
    """The text that comes from stdin, in UTF-8.

    Raises:
        InvalidFile: It is no such text.
        TooLarge: It is more than so many bytes.
    """
    return _decoded(read_stdin_bytes(limit), "stdin")


def reject_device(path: Path) -> None:
    """Refuse what never ends, or is no file at all.

    Raises:
        InvalidFile: It is a device.
        OSError: It cannot be looked at.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise InvalidFile(str(path), "is a device: give a file or a pipe")


def _upto(file: BinaryIO, limit: int, origin: str) -> bytes:
    pieces, left = [], limit
    # A pipe hands over what it has, so it is asked until it ends.
    while piece := file.read(min(left + 1, 1 << 20)):
        left -= len(piece)
        if left < 0:
            raise TooLarge(origin, size(limit))
        pieces.append(piece)
    return b"".join(pieces)


def _decoded(content: bytes, origin: str) -> str:
    try:
        # As `open` would: line ends of other systems become "\n".
        return content.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InvalidFile(origin, "is not UTF-8 text") from error
