"""Writes files and folders atomically."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from stackfold.domain.errors import InvalidFile


def write_file(path: Path, parts: Iterable[bytes], overwrite: bool = False) -> None:
    """Write a file atomically: it appears complete, or not at all.

    Args:
        path: The file.
        parts: Its content.
        overwrite: Whether to replace an existing file.

    Raises:
        InvalidFile: The file cannot be written, or exists and `overwrite` is False.
    """
    problem = "already exists: overwrite it or choose another"
    if not overwrite and os.path.lexists(path):  # before anything is read
        raise InvalidFile(str(path), problem)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.writelines(parts)
        if overwrite:
            draft.replace(path)
        else:
            os.link(draft, path)
    except FileExistsError as error:
        raise InvalidFile(str(path), problem) from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def write_folder(path: Path, fill: Callable[[Path], int], overwrite: bool = False) -> int:
    """Write a folder: it appears complete, or not at all.

    Args:
        path: The folder.
        fill: Writes files to an empty folder, and returns their number.
        overwrite: Whether to replace an existing folder; a file is never replaced.

    Raises:
        InvalidFile: The folder cannot be written, or exists and `overwrite` is False.
    """
    exists = os.path.lexists(path)
    if exists and not (path.is_dir() and not path.is_symlink() and not any(path.iterdir())):
        if not overwrite:
            raise InvalidFile(str(path), "already exists: overwrite it or choose another")
        if path.is_symlink() or not path.is_dir():
            raise InvalidFile(str(path), "is not a folder: choose another")
    draft, old = (path.absolute().with_name(f".{path.name}.{secrets.token_hex(4)}") for _ in "12")
    try:
        draft.mkdir()
        count = fill(draft)
        if exists:
            path.rename(old)
        draft.rename(path)
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if os.path.lexists(path):
            shutil.rmtree(old, ignore_errors=True)
    return count
