"""Reads input of users: files, pipes and stdin up to a size, but no devices."""

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from stackfold.domain.errors import InvalidFile, TooLarge
from stackfold.domain.limits import size


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a file or a pipe.

    Args:
        path: The path of a file, or of a pipe, such as `/dev/fd/63`.
        limit: The maximum number of bytes.

    Raises:
        InvalidFile: The file cannot be read, or is a device.
        TooLarge: The file is larger.
    """
    try:
        reject_device(path)
        with path.open("rb") as file:
            return _upto(file, limit, str(path))
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be read: {error.strerror}") from error


def read_text(path: Path, limit: int) -> str:
    """Read UTF-8 text from a file or a pipe; raises like `read_bytes`."""
    return _decoded(read_bytes(path, limit), str(path))


def read_stdin_bytes(limit: int) -> bytes:
    """Read stdin.

    Raises:
        TooLarge: There are more bytes than `limit`.
    """
    return _upto(sys.stdin.buffer, limit, "stdin")


def read_stdin(limit: int) -> str:
    """Read UTF-8 text from stdin.

    Raises:
        InvalidFile: The input is not UTF-8.
        TooLarge: There are more bytes than `limit`.
    """
    return _decoded(read_stdin_bytes(limit), "stdin")


def reject_device(path: Path) -> None:
    """Reject a device, whose content may never end.

    Raises:
        InvalidFile: The path is a device.
        OSError: The path cannot be accessed.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise InvalidFile(str(path), "is a device: give a file or a pipe")


def _upto(file: BinaryIO, limit: int, origin: str) -> bytes:
    pieces, left = [], limit
    # One read of a pipe returns only what is available.
    while piece := file.read(min(left + 1, 1 << 20)):
        left -= len(piece)
        if left < 0:
            raise TooLarge(origin, size(limit))
        pieces.append(piece)
    return b"".join(pieces)


def _decoded(content: bytes, origin: str) -> str:
    try:
        # Like `open` in text mode: all line ends become "\n".
        return content.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InvalidFile(origin, "is not UTF-8 text") from error
