"""Stacks in YAML files."""

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
        """The values in a file.

        Raises:
            InvalidFile: It cannot be read, or is no YAML of plain values.
        """
        return read_yaml(path)

    def parse(self, text: str, origin: str) -> object:
        """The values in a text; `origin` is what errors call it. Raises as `read`."""
        return parse_yaml(text, origin)

    def text(self, document: dict[str, Any]) -> str:
        """A document as YAML, with the version that wrote it."""
        written = {**document, "stackfold_version": version("stackfold")}
        return yaml_text(written)

    def write(self, path: Path, document: dict[str, Any], overwrite: bool = False) -> None:
        """Write a document to a file: all of it, or nothing.

        Raises:
            InvalidFile: It cannot be written, or is there already and may not be overwritten.
        """
        self.write_text(path, self.text(document), overwrite)

    def write_text(self, path: Path, text: str, overwrite: bool = False) -> None:
        """Write a text to a file; raises as `write`."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            draft.write_text(text, encoding="utf-8")
            if overwrite:
                draft.replace(path)
            else:
                os.link(draft, path)
        except FileExistsError as error:
            problem = "is there already: overwrite it or choose another"
            raise InvalidFile(str(path), problem) from error
        except OSError as error:
            raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
