"""Claims on runs, as POSIX record locks, which the system releases when their process ends.

A home has one file, and each run locks one byte of it, at an offset that follows from its id.
Record locks belong to the process alone: a child that a step forked does not inherit them, so it
claims nothing if it outlives its parent. Closing any descriptor of the file releases all of them,
so a process that holds one keeps its only descriptor open.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stackfold.domain.errors import RunBusy, Unavailable
from stackfold.infrastructure.system.private_files import create_file

if sys.platform != "win32":  # see windows_claims.py
    import fcntl

_FILE = "claims.lock"
_PATIENCE = 0.2
"""Seconds for which somebody who only looks may hold the lock."""

_turn = threading.RLock()
_held: dict[tuple[str, int], int] = {}
"""(file, place in it) → its descriptor; the process's, as its locks are."""


class FileClaims:
    """The claims of one home."""

    def __init__(self, home: Path) -> None:
        """Keep the file in the folder `home`."""
        self._path = os.path.join(os.path.realpath(home), _FILE)

    @contextmanager
    def hold(self, run: str, name: str) -> Iterator[None]:
        """Claim a run for the block."""
        key = (self._path, _place(run))
        self._take(key, name)
        try:
            yield
        finally:
            self._let_go(key)

    def held(self, run: str) -> bool:
        """Whether somebody who is alive has claimed the run with that id."""
        key = (self._path, _place(run))
        with _turn:
            if key in _held:
                return True
            try:
                descriptor, opened = self._descriptor(os.O_RDONLY)
            except PermissionError:  # whether it ended, only its user can tell
                return True
            if descriptor is None:
                return False
            try:
                return not _locked(descriptor, key[1], exclusive=False)
            finally:
                if opened:
                    os.close(descriptor)  # also lets go of the lock that was tried
                else:
                    _unlock(descriptor, key[1])

    def _take(self, key: tuple[str, int], name: str) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            with _turn:
                if key in _held:
                    raise RunBusy(name)
                descriptor, opened = self._created()
                assert descriptor is not None  # noqa: S101  # it was created
                if _locked(descriptor, key[1], exclusive=True):
                    _held[key] = descriptor
                    return
                if opened:
                    os.close(descriptor)
            if time.monotonic() > end:
                raise RunBusy(name)
            time.sleep(0.01)

    def _let_go(self, key: tuple[str, int]) -> None:
        with _turn:
            descriptor = _held.pop(key)
            if descriptor in _held.values():
                _unlock(descriptor, key[1])
            else:
                os.close(descriptor)

    def _created(self) -> tuple[int | None, bool]:
        try:
            return self._descriptor(os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise home_unusable(os.path.dirname(self._path), error) from error

    def _descriptor(self, mode: int) -> tuple[int | None, bool]:
        """The one that the process has open, or else a new one and True."""
        for (path, _), descriptor in _held.items():
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


def home_unusable(home: str, error: OSError) -> Unavailable:
    """Create the error of a home in which no run can be claimed."""
    problem = (
        f"{error.strerror or error}; make the folder and the files in it writable, or set "
        "STACKFOLD_HOME to another one"
    )
    return Unavailable(f"the home {home}", problem)


def _place(run: str) -> int:
    return int(run.replace("-", "")[:15], 16)


def _locked(descriptor: int, place: int, exclusive: bool) -> bool:
    try:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, 1, place)
    except OSError:
        return False
    return True


def _unlock(descriptor: int, place: int) -> None:
    fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)
