"""Reads and writes stacks as YAML files."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from stackfold.infrastructure.files.output_file import write_file
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
    write_file(path, [text.encode()], overwrite)
