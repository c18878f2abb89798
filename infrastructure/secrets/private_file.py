"""A JSON file that nobody but its owner may read, and that is always whole."""

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

_OTHERS = 0o077


class PrivateFile:
    """Read it, or change it as a whole: two at a time do not lose each other's changes."""

    def __init__(self, store: str, path: Path) -> None:
        """The file at `path`, which need not be there, for the store of that name."""
        self._store = store
        self.path = path

    def read(self) -> dict[str, Any]:
        """What is in it; nothing if it is not there.

        Raises:
            SecretStoreUnavailable: It is damaged, cannot be read, or others can read it too.
        """
        with self._in_plain_words():
            try:
                text = self.path.read_text(encoding="utf-8")
            except FileNotFoundError:
                return {}
            if os.name == "posix" and os.stat(self.path).st_mode & _OTHERS:
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
        """What is in it, to be changed in the block; written when the block ends well.

        Raises:
            SecretStoreUnavailable: It cannot be read or written.
        """
        with self._in_plain_words():
            make_folder(self.path.parent)
            with _locked(self.path.with_suffix(".lock")):
                content = self.read()
                yield content
                text = json.dumps(content, indent=1, ensure_ascii=False)
                replace_file(self.path, text, _create_private)

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"{error.filename or self.path}: {error.strerror or error}"
            raise self._unavailable(reason) from error

    def _unavailable(self, problem: str) -> SecretStoreUnavailable:
        return SecretStoreUnavailable(self._store, problem)


def _create_private(path: Path) -> int:
    # The mode is there from the first moment on, whatever the umask is.
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
