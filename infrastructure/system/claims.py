"""Claims on runs, as POSIX record locks, which the system releases when their process ends.

A home has one file, and each run locks one byte of it, at an offset that follows from its id.
Record locks belong to the process alone: a child that a step forked does not inherit them, so it
claims nothing if it outlives its parent. Closing any descriptor of the file releases all of them,
so a process with a lock keeps its only descriptor open.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stackfold.domain.errors import RunBusy, Unavailable
from stackfold.infrastructure.system.forks import notify_after_fork
from stackfold.infrastructure.system.private_files import create_file

if sys.platform != "win32":  # see windows_claims.py
    import fcntl

_FILE = "claims.lock"
_PATIENCE = 0.2
"""Seconds to wait for a lock that `is_claimed` of another process holds briefly."""

_mutex = threading.RLock()
_claimed: dict[tuple[str, int], int] = {}
"""(lock file, offset) → descriptor, for all claims of this process."""


class FileClaims:
    """The claims of one home."""

    def __init__(self, home: Path) -> None:
        """Use the lock file in a home."""
        self._path = os.path.join(os.path.realpath(home), _FILE)

    @contextmanager
    def claim(self, run: str, name: str) -> Iterator[None]:
        """Claim a run for the block."""
        key = (self._path, _offset(run))
        self._take(key, name)
        try:
            yield
        finally:
            self._release(key)

    def is_claimed(self, run: str) -> bool:
        """Whether a process that is alive has claimed the run with an id."""
        key = (self._path, _offset(run))
        with _mutex:
            if key in _claimed:
                return True
            try:
                descriptor, opened = self._descriptor(os.O_RDONLY)
            except PermissionError:  # only its owner can find out
                return True
            if descriptor is None:
                return False
            try:
                return not _locked(descriptor, key[1], exclusive=False)
            finally:
                if opened:
                    os.close(descriptor)  # also releases the lock
                else:
                    _unlock(descriptor, key[1])

    def _take(self, key: tuple[str, int], name: str) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            with _mutex:
                if key in _claimed:
                    raise RunBusy(name)
                descriptor, opened = self._created()
                assert descriptor is not None  # noqa: S101  # it was created
                if _locked(descriptor, key[1], exclusive=True):
                    _claimed[key] = descriptor
                    return
                if opened:
                    os.close(descriptor)
            if time.monotonic() > end:
                raise RunBusy(name)
            time.sleep(0.01)

    def _release(self, key: tuple[str, int]) -> None:
        with _mutex:
            descriptor = _claimed.pop(key, None)
            if descriptor is None:
                return  # this process was forked in the block: the claim is that of its parent
            if descriptor in _claimed.values():
                _unlock(descriptor, key[1])
            else:
                os.close(descriptor)

    def _created(self) -> tuple[int | None, bool]:
        try:
            return self._descriptor(os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise home_unusable(os.path.dirname(self._path), error) from error

    def _descriptor(self, mode: int) -> tuple[int | None, bool]:
        """Return the open descriptor of this process and False, or a new one and True."""
        for (path, _), descriptor in _claimed.items():
            if path == self._path:
                return descriptor, False
        try:
            if mode & os.O_CREAT:
                return create_file(self._path, exclusive=False), True
            return os.open(self._path, mode | getattr(os, "O_CLOEXEC", 0)), True
        except FileNotFoundError:
            if mode & os.O_CREAT:
                raise
            return None, False


class _AfterFork:
    """Lets a forked process begin without claims, which do not pass to it."""

    def after_fork(self) -> None:
        """Forget the claims of the parent process."""
        global _mutex  # noqa: PLW0603  # another thread of the parent may have acquired it
        _mutex = threading.RLock()
        _claimed.clear()


_after_fork = _AfterFork()
notify_after_fork(_after_fork)


def home_unusable(home: str, error: OSError) -> Unavailable:
    """Create the error of a home in which no run can be claimed."""
    problem = (
        f"{error.strerror or error}; make the folder and the files in it writable, or set "
        "STACKFOLD_HOME to another one"
    )
    return Unavailable(f"the home {home}", problem)


def _offset(run: str) -> int:
    return int(run.replace("-", "")[:15], 16)


def _locked(descriptor: int, offset: int, exclusive: bool) -> bool:
    try:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, 1, offset)
    except OSError:
        return False
    return True


def _unlock(descriptor: int, offset: int) -> None:
    fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, offset)
