"""MLflow without a server: its runs are in a SQLite database, or a folder, of this machine."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.system.private_files import make_folder

_DATABASE = "sqlite:///"
_HEADER = b"SQLite format 3\0"
_LOCK = ".stackfold.lock"
"""Ends the name of the file by which processes take turns to create what is missing."""
_PATIENCE = 60
"""Seconds to wait for a process that creates a database, at least."""
_FILE_ABOVE = "its folder is a file: correct tracking_uri"
_REJECTED = re.compile(r"[?#%\x00-\x1f]")
"""What would have a meaning in the address of a database."""


class LocalStore(NamedTuple):
    """Where MLflow stores runs on this machine."""

    path: str
    """The database, or the folder."""
    is_database: bool
    timeout: int
    """Seconds to wait for other processes that write."""

    @classmethod
    def find(cls, tracking_uri: str, home: str | os.PathLike[str], timeout: int) -> "LocalStore":
        """Return the store at an address.

        Args:
            tracking_uri: `sqlite:///` and a file, `file://` and a folder, or a folder.
            home: The folder that relative paths begin in.
            timeout: Seconds to wait for other processes that write.
        """
        is_database = tracking_uri.startswith(_DATABASE)
        path = tracking_uri.removeprefix(_DATABASE)
        if path.startswith("file:"):
            path = url2pathname(urlsplit(path).path)
        path = os.path.abspath(os.path.join(home, os.path.expanduser(path)))
        return cls(path, is_database, timeout)

    @property
    def uri(self) -> str:
        """The address that MLflow's client is given."""
        if self.is_database:
            return f"{_DATABASE}{Path(self.path).as_posix()}?timeout={self.timeout}"
        return Path(self.path).as_uri()

    @property
    def artifacts(self) -> str:
        """The folder of the artifacts of new experiments."""
        return os.path.join(os.path.dirname(self.path), "mlruns") if self.is_database else self.path

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let one process at a time execute the block, such as to create what is missing.

        Raises:
            TrackerUnavailable: Another process took too long, or the store cannot be used.
        """
        try:
            make_folder(os.path.dirname(self.path))
            patience = max(self.timeout, _PATIENCE)
            lock = sqlite3.connect(f"{self.path}{_LOCK}", patience, isolation_level=None)
            with closing(lock):
                lock.execute("BEGIN EXCLUSIVE")  # which the system ends if the process dies
                self._check()
                yield
        except sqlite3.OperationalError as error:
            busy = "locked" in str(error)
            problem = "another process is using it" if busy else f"{error}: correct tracking_uri"
            raise TrackerUnavailable(self.path, problem) from None
        except (FileExistsError, NotADirectoryError):
            raise TrackerUnavailable(self.path, _FILE_ABOVE) from None
        except OSError as error:
            raise TrackerUnavailable(self.path, f"{error.strerror or error}") from None

    @property
    def exists(self) -> bool:
        """Whether there is something at its path."""
        return os.path.lexists(self.path)

    def check_creatable(self) -> None:
        """Check whether it could be created, and create nothing.

        Raises:
            TrackerUnavailable: It could not.
        """
        self._check()
        folder = os.path.dirname(self.path)
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder):
            raise TrackerUnavailable(self.path, _FILE_ABOVE)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise TrackerUnavailable(self.path, f"{folder} is read-only: change its permissions")

    def _check(self) -> None:
        """Find out quickly what MLflow would find out slowly."""
        if not self.is_database:
            if self.exists and not os.path.isdir(self.path):
                raise TrackerUnavailable(self.path, "it is not a folder: correct tracking_uri")
        elif not (find_spec("sqlalchemy") and find_spec("alembic")):
            problem = (
                "a database needs SQLAlchemy: run `stackfold integration install mlflow-sqlite`"
            )
            raise TrackerUnavailable(self.path, problem)
        elif os.path.isfile(self.path):
            with open(self.path, "rb") as file:
                if file.read(len(_HEADER)) not in {b"", _HEADER}:
                    problem = "it is not a SQLite database: correct tracking_uri"
                    raise TrackerUnavailable(self.path, problem)
        elif self.exists:
            raise TrackerUnavailable(self.path, "it is not a file: correct tracking_uri")
        if self.exists and not os.access(self.path, os.R_OK | os.W_OK):
            raise TrackerUnavailable(self.path, "access is denied: change its permissions")


def is_local(tracking_uri: str) -> bool:
    """Whether an address is that of a database or a folder."""
    return urlsplit(tracking_uri).scheme not in {"http", "https"}


def valid_address(address: str) -> str:
    """Return the address of a database or a folder.

    Raises:
        ValueError: It is another address. The message does not repeat it, as it may contain a
            password.
    """
    path = address.removeprefix(_DATABASE)
    if path.startswith("file:"):
        parts = urlsplit(path)
        path = unquote(parts.path) if not parts.netloc else ""
    scheme = re.match(r"[a-zA-Z][\w+.-]+:", path)  # one letter is a drive
    if scheme or not path.strip("/\\") or _REJECTED.search(path):
        raise ValueError(
            "must be http://host:port or https://host:port, or without a server sqlite:///FILE or "
            "a folder"
        )
    return address
