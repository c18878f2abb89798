"""Claims on runs on Windows, which has no record locks: one lock file per run, by filelock.

The system releases the lock when its process ends. The file is deleted when the claim ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.domain.errors import RunBusy
from stackfold.infrastructure.system.claims import home_unusable
from stackfold.infrastructure.system.private_files import make_folder

if TYPE_CHECKING:
    from filelock import BaseFileLock

_FOLDER = "claims"
_TIMEOUT = 0.2
"""Seconds to wait for a process that only tests whether the run is claimed."""


class WindowsClaims:
    """The claims of one home."""

    def __init__(self, home: Path) -> None:
        """Keep the lock files in a folder of `home`."""
        self._folder = os.path.join(os.path.realpath(home), _FOLDER)

    @contextmanager
    def claim(self, run: str, name: str) -> Iterator[None]:
        """Claim a run for the block."""
        from filelock import Timeout

        lock = self._lock(run)
        try:
            make_folder(self._folder)
            lock.acquire(timeout=_TIMEOUT)
        except Timeout:
            raise RunBusy(name) from None
        except OSError as error:
            raise home_unusable(os.path.dirname(self._folder), error) from error
        try:
            yield
        finally:
            lock.release()

    def is_claimed(self, run: str) -> bool:
        """Return whether a living process has claimed the run with that id."""
        lock = self._lock(run)
        if not os.path.exists(lock.lock_file):
            return False
        try:
            lock.acquire(blocking=False)
        except OSError:  # a Timeout, or another user's file
            return True
        lock.release()
        return False

    def _lock(self, run: str) -> "BaseFileLock":
        from filelock import FileLock

        # A block may end in another thread than it began in.
        return FileLock(os.path.join(self._folder, f"{run}.lock"), thread_local=False)
