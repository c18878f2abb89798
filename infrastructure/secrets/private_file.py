"""A JSON file that only its owner can read, and that is replaced as a whole."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stackfold.domain.errors import SecretStoreUnavailable
from stackfold.infrastructure.system.drafts import replace_file
from stackfold.infrastructure.system.private_files import make_folder

_GROUP_AND_OTHERS = 0o077


class PrivateFile:
    """A JSON object in a file; concurrent changes exclude each other."""

    def __init__(self, store: str, path: Path) -> None:
        """Use a file, which need not exist.

        Args:
            store: The name of the secret store, for errors.
            path: The file.
        """
        self._store = store
        self.path = path

    def read(self) -> dict[str, Any]:
        """Return the content; empty if the file does not exist.

        Raises:
            SecretStoreUnavailable: It is damaged, cannot be read, or others can read it too.
        """
        with self._store_errors():
            try:
                text = self.path.read_text(encoding="utf-8")
            except FileNotFoundError:
                return {}
            if os.name == "posix" and os.stat(self.path).st_mode & _GROUP_AND_OTHERS:
                raise self._unavailable(f"others can read {self.path}: run chmod 600 on it")
            try:
                content = json.loads(text)
            except ValueError:
                content = None
            if not isinstance(content, dict):
                raise self._unavailable(f"{self.path} is damaged: restore it, or delete it")
            return content

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """Yield the content for changes, and write it if the block succeeds.

        Raises:
            SecretStoreUnavailable: It cannot be read or written.
        """
        with self.locked():
            content = self.read()
            yield content
            self.write(content)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude changes by other processes and threads for the block.

        Raises:
            SecretStoreUnavailable: The lock cannot be created.
        """
        with self._store_errors():
            make_folder(self.path.parent)
            with _locked(self.path.with_suffix(".lock")):
                yield

    def write(self, content: dict[str, Any]) -> None:
        """Replace the content; to be called in a block of `locked`.

        Raises:
            SecretStoreUnavailable: It cannot be written.
        """
        with self._store_errors():
            text = json.dumps(content, indent=1, ensure_ascii=False)
            replace_file(self.path, text, _create_private)

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"{error.filename or self.path}: {error.strerror or error}"
            raise self._unavailable(reason) from error

    def _unavailable(self, problem: str) -> SecretStoreUnavailable:
        return SecretStoreUnavailable(self._store, problem)


def _create_private(path: Path) -> int:
    # It has this mode from the beginning, whatever the umask is.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.chmod(path, 0o600)
    return descriptor


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Exclude other processes for the block; the system releases the lock if this one dies."""
    if sys.platform == "win32":
        from filelock import FileLock

        with FileLock(path):
            yield
    else:
        import fcntl

        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
