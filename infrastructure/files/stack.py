"""Reads and writes stacks as YAML files."""

import os
import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.files.yaml import yaml_text


def document_text(document: dict[str, Any]) -> str:
    """Write a document as YAML, with the version of Stackfold."""
    return yaml_text({**document, "stackfold_version": version("stackfold")})


def write_text(path: Path, text: str, overwrite: bool = False) -> None:
    """Write a text to a file atomically.

    Args:
        path: The file.
        text: Its contents.
        overwrite: Whether to replace an existing file.

    Raises:
        InvalidFile: The file cannot be written, or exists and `overwrite` is False.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(text, encoding="utf-8")
        if overwrite:
            draft.replace(path)
        else:
            os.link(draft, path)
    except FileExistsError as error:
        problem = "already exists: overwrite it or choose another"
        raise InvalidFile(str(path), problem) from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
