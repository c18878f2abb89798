"""Secrets as plain text in a file of the home, which only its owner can read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stackfold.application.secrets.secrets import SecretStore
from stackfold.infrastructure.secrets.private_file import PrivateFile


class PlainFile(SecretStore):
    """A file of mode 0600, which protects from other users, but not from a copy of the disk."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        """Keep the file in `folder`."""
        self._file = PrivateFile(self.name, folder / "plain.json")

    def keys(self) -> Mapping[str, Sequence[str]]:
        return {name: [*values] for name, values in self._file.read().items()}

    def read(self, name: str) -> Mapping[str, str]:
        values: Mapping[str, str] = self._file.read().get(name, {})
        return values

    def write(self, name: str, values: Mapping[str, str]) -> None:
        with self._file.changing() as content:
            content[name] = dict(values)

    def delete(self, name: str) -> None:
        with self._file.changing() as content:
            content.pop(name, None)
