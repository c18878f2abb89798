"""Files that have another name until they are whole, and what is left of those that never were.

Whoever makes a draft holds a lock on it, which the system lets go of when the process ends, however
it does. A draft that nobody holds is of a process that was killed, and is deleted by the next
command that works in its folder.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from stackfold.infrastructure.system.private_files import create_file

_DRAFT = re.compile(r"\.[\w.]+\.(?:json|sqlite)\.(?:[0-9a-f]{32}|\d+\.[0-9a-f]{8})")
_BESIDE = ("-wal", "-shm", "-journal")
"""How the names of files end that SQLite has beside a database."""


@contextmanager
def draft_of(
    path: Path, create: Callable[[Path], int] = create_file
) -> Iterator[tuple[Path, TextIO]]:
    """A new file beside `path`, open for writing; nothing of it is left after the block.

    Args:
        path: What the draft is to become; the block links it or renames it into place.
        create: Creates a file, and returns its descriptor.

    Raises:
        OSError: It cannot be created.
    """
    draft, descriptor = _created(path, create)
    with open(descriptor, "w", encoding="utf-8") as file:
        try:
            yield draft, file
        finally:
            if os.name == "nt":
                file.close()  # an open file cannot be deleted there
            _delete(draft)


def replace_file(path: Path, text: str, create: Callable[[Path], int] = create_file) -> None:
    """Write a file so that a reader sees it as it was or as it is now, never a part of it.

    Raises:
        OSError: It cannot be written.
    """
    with draft_of(path, create) as (draft, file):
        _write(file, text)
        os.replace(draft, path)


def write_new_file(path: Path, text: str, create: Callable[[Path], int] = create_file) -> None:
    """Write a file that is not there yet; it is there as a whole or not at all.

    Raises:
        FileExistsError: It is there.
        OSError: It cannot be written.
    """
    with draft_of(path, create) as (draft, file):
        _write(file, text)
        os.link(draft, path)


def delete_abandoned(folder: str | os.PathLike[str], name: str | None = None) -> None:
    """Delete, as far as possible, the drafts in a folder whose processes were killed.

    Args:
        folder: The folder.
        name: Only drafts of the file with this name; None for those of all logs and JSON files.
    """
    pattern = _DRAFT if name is None else re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{32}}")
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(".")]
    except OSError:
        return
    for each in names:
        draft = pattern.match(each)
        if draft and each[draft.end() :] in ("", *_BESIDE):
            _delete_if_abandoned(os.path.join(folder, draft[0]))


def _delete_if_abandoned(draft: str) -> None:
    try:
        descriptor = os.open(draft, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        descriptor = None
    except OSError:
        return
    try:
        if descriptor is None or _held(descriptor):
            _delete(draft)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _delete(draft: str | os.PathLike[str]) -> None:
    for end in ("", *_BESIDE):
        with suppress(OSError):
            os.unlink(f"{os.fspath(draft)}{end}")


def _created(path: Path, create: Callable[[Path], int]) -> tuple[Path, int]:
    while True:
        draft = path.with_name(f".{path.name}.{os.urandom(16).hex()}")
        descriptor = create(draft)
        # Before it was held, somebody may have taken it for abandoned.
        if _held(descriptor) and draft.exists():
            return draft, descriptor
        os.close(descriptor)


def _held(descriptor: int) -> bool:
    """Whether this process holds the lock on a file from now on."""
    try:
        import fcntl
    except ImportError:
        return True  # on Windows a file that is open cannot be deleted
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _write(file: TextIO, text: str) -> None:
    file.write(text)
    file.flush()
    os.fsync(file.fileno())
    if os.name == "nt":
        file.close()  # an open file cannot be renamed there
