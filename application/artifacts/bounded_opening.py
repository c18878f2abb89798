"""Opens artifacts within a time limit: a store that never answers holds up nobody."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

from stackfold.domain.errors import ArtifactStoreUnavailable, Busy

MOST_WAITING = 4
"""The most threads that wait for one store; a store may never answer."""

_waiting: Counter[str] = Counter()
"""Store → how many threads wait for it now, in this process."""
_lock = threading.Lock()


@contextmanager
def opened_within(
    seconds: float, opening: AbstractContextManager[BinaryIO], store: str, uri: str
) -> Iterator[BinaryIO]:
    """Enter the context manager of a file in a thread, and wait for the file for a limited time.

    A thread cannot be stopped. One whose time is over is left to itself, and closes the file if it
    ever gets it; a few of them per store are the most that there can be.

    Args:
        seconds: How long to wait.
        opening: Returned by the store.
        store: Identifies the store.
        uri: The artifact's address, for error messages.

    Raises:
        ArtifactStoreUnavailable: The store did not answer in time.
        Busy: Too many threads wait for it already.
        StackfoldError: What the store raises.
    """
    with _lock:
        if _waiting[store] >= MOST_WAITING:
            raise Busy(
                f"{MOST_WAITING} reads of the artifact store with {uri} have not been answered "
                "yet: try again later"
            )
        _waiting[store] += 1
    attempt = _Attempt(opening, store)
    threading.Thread(target=attempt.run, daemon=True, name="stackfold-artifact").start()
    file = attempt.result(seconds)
    if file is None:
        problem = f"did not answer within {seconds:g} s: try again later"
        raise ArtifactStoreUnavailable(uri, problem)
    with opening_left(opening):
        yield file


@contextmanager
def opening_left(opening: AbstractContextManager[BinaryIO]) -> Iterator[None]:
    """Leave a context manager that another thread has entered."""
    try:
        yield
    finally:
        opening.__exit__(None, None, None)


class _Attempt:
    """An attempt to open a file, which may be given up."""

    def __init__(self, opening: AbstractContextManager[BinaryIO], store: str) -> None:
        self._opening, self._store = opening, store
        self._done = threading.Event()
        self._given_up = False
        self._file: BinaryIO | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Open the file; close it again if nobody waits for it any longer."""
        try:
            self._file = self._opening.__enter__()
        except BaseException as error:  # raised where the file is waited for
            self._error = error
        with _lock:
            _waiting[self._store] -= 1
            left = self._given_up
            self._done.set()
        if left and self._file is not None:
            self._opening.__exit__(None, None, None)

    def result(self, seconds: float) -> BinaryIO | None:
        """Return the file, or None if it is not opened in time.

        Raises:
            BaseException: What the store raised.
        """
        self._done.wait(seconds)
        with _lock:
            self._given_up = not self._done.is_set()
        if self._error is not None:
            raise self._error
        return None if self._given_up else self._file
