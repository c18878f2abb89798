"""Writes files atomically."""

import os
import secrets
from collections.abc import Iterable
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
