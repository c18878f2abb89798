"""Turn: the right to use a connection that threads share."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.domain.errors import ChangeElsewhere


class Turn:
    """Lets one thread at a time use a connection; in a unit of work, only the one that began it.

    A thread that has the turn may take it again.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._unit: UnitOfWork | None = None

    @property
    def unit(self) -> UnitOfWork | None:
        """The unit of work that has the turn; None if none has it."""
        return self._unit

    def __enter__(self) -> None:
        """Wait for the turn.

        Raises:
            ChangeElsewhere: A unit of work of another thread or task has the turn, and this one
                began in its block, or would wait longer than the unit of work may take.
            ChangeTimedOut: The unit of work of this thread took too long.
        """
        unit = self._unit
        if unit is None:
            self._lock.acquire()
        else:
            if unit.inherited:
                unit.check()
            while not self._lock.acquire(timeout=unit.remaining + 1):
                if self._unit is unit:
                    raise ChangeElsewhere
        if self._unit is not None:
            # Another async task of the same thread also gets here.
            self._unit.in_use.acquire()
            try:
                self._unit.check()
            except BaseException:
                self.release()
                raise

    def __exit__(self, *_: object) -> None:
        """Pass the turn on."""
        self.release()

    def taken_within(self, seconds: float) -> bool:
        """Take the turn even in a unit of work, if that is possible within some seconds."""
        if not self._lock.acquire(timeout=seconds):
            return False
        if self._unit is not None:
            self._unit.in_use.acquire()
        return True

    def release(self) -> None:
        """Pass the turn on."""
        if self._unit is not None:
            self._unit.in_use.release()
        self._lock.release()

    @contextmanager
    def reserved(self, unit: UnitOfWork) -> Iterator[None]:
        """Keep the turn for a unit of work."""
        with self:
            outer, self._unit = self._unit, unit
            try:
                yield
            finally:
                self._unit = outer
