"""Reads and writes stacks as YAML files."""

import os
import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.files.yaml import parse_yaml, read_yaml, yaml_text


class StackFiles:
    """Reads and writes the documents of `application.stacks.import_export` as YAML."""

    def read(self, path: Path) -> object:
        """Read the values in a file.

        Raises:
            InvalidFile: The file cannot be read, or is invalid YAML.
        """
        return read_yaml(path)

    def parse(self, text: str, origin: str) -> object:
        """Read the values in a text.

        Args:
            text: YAML.
            origin: How errors name the text.

        Raises:
            InvalidFile: The text is invalid YAML.
        """
        return parse_yaml(text, origin)

    def text(self, document: dict[str, Any]) -> str:
        """Return a document as YAML, with the version of Stackfold."""
        written = {**document, "stackfold_version": version("stackfold")}
        return yaml_text(written)

    def write(self, path: Path, document: dict[str, Any], overwrite: bool = False) -> None:
        """Write a document to a file atomically.

        Raises:
            InvalidFile: The file cannot be written, or exists and `overwrite` is False.
        """
        self.write_text(path, self.text(document), overwrite)

    def write_text(self, path: Path, text: str, overwrite: bool = False) -> None:
        """Write a text to a file atomically; raises like `write`."""
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
