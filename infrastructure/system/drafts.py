"""Drafts: files with a temporary name until they are complete.

A process locks its drafts, and the system releases the locks when the process ends. An unlocked
draft belongs to a process that was killed; the next command in the folder deletes it.
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
"""The suffixes of files that SQLite creates beside a database."""


@contextmanager
def draft_of(
    path: Path, create: Callable[[Path], int] = create_file
) -> Iterator[tuple[Path, TextIO]]:
    """Create a draft beside `path`, open for writing; it is deleted after the block.

    Args:
        path: The final path; the block links the draft to it, or renames the draft.
        create: Creates a file, and returns its descriptor.

    Raises:
        OSError: The draft cannot be created.
    """
    draft, descriptor = _created(path, create)
    with open(descriptor, "w", encoding="utf-8") as file:
        try:
            yield draft, file
        finally:
            if os.name == "nt":
                file.close()  # Windows cannot delete an open file
            _delete(draft)


def replace_file(path: Path, text: str, create: Callable[[Path], int] = create_file) -> None:
    """Write a file atomically: a reader sees the old content or the new.

    Raises:
        OSError: The file cannot be written.
    """
    with draft_of(path, create) as (draft, file):
        _write(file, text)
        os.replace(draft, path)


def write_new_file(path: Path, text: str, create: Callable[[Path], int] = create_file) -> None:
    """Create a file atomically: it exists with all its content or not at all.

    Raises:
        FileExistsError: The file exists.
        OSError: The file cannot be written.
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
        if descriptor is None or _lock(descriptor):
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
        # Before it was locked, another process may have deleted it as abandoned.
        if _lock(descriptor) and draft.exists():
            return draft, descriptor
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Try to lock a file; return whether this process has the lock."""
    try:
        import fcntl
    except ImportError:
        return True  # Windows cannot delete an open file
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
        file.close()  # Windows cannot rename an open file
