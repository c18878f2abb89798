"""The sessions that the threads of a workspace use: one each while it needs one."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stackfold.domain.errors import LogUnavailable
from stackfold.infrastructure.database.postgres_connection import PATIENCE
from stackfold.infrastructure.database.postgres_session import PostgresSession, SharedLog

_IDLE = 300.0
"""Seconds after which a session that is not used is closed, except the last one."""


class SessionPool:
    """Lends sessions to threads. A session connects when it is first used."""

    def __init__(self, log: SharedLog, first: PostgresSession) -> None:
        """Create a pool.

        Args:
            log: The log, whose address says how many sessions there may be.
            first: A session that has connected already.
        """
        self._log = log
        self._bound = threading.local()
        self._idle: list[PostgresSession]
        """The sessions that no thread has; that which was used last is at the end."""
        self._start([first])

    @property
    def bound(self) -> PostgresSession | None:
        """The session that this thread has; None if it has none."""
        return getattr(self._bound, "session", None)

    @contextmanager
    def session(self) -> Iterator[PostgresSession]:
        """Lend a session to this thread; in the block of another call it is the same.

        Raises:
            LogUnavailable: All sessions were in use for 10 seconds, or the log was closed.
        """
        session = self.bound
        if session is not None:
            yield session
            return
        session = self._bound.session = self._take()
        try:
            yield session
        finally:
            self._bound.session = None
            self._give(session)

    def close(self) -> None:
        """Close the idle sessions now, and each of the others when it is returned."""
        self._log.closed = True
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def after_fork(self) -> None:
        """In a forked process, begin without sessions."""
        bound = self.bound
        for each in {*self._idle, *self._lent}:
            each.after_fork()
        self._start([])
        self._bound = threading.local()
        self._bound.session = bound

    def _start(self, idle: list[PostgresSession]) -> None:
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(self._log.address.pool_size)
        self._idle = idle
        self._lent: set[PostgresSession] = set()

    def _take(self) -> PostgresSession:
        if self._log.closed:
            raise LogUnavailable(self._log.location, "is closed")
        if not self._slots.acquire(timeout=PATIENCE):
            size = self._log.address.pool_size
            problem = (
                f"has no connection left for this thread, since other threads used all {size} of "
                f"the workspace for {PATIENCE:g} s: allow more by ?pool_size= in its address"
            )
            raise LogUnavailable(self._log.location, problem)
        with self._lock:
            session = self._idle.pop() if self._idle else PostgresSession(self._log)
            self._lent.add(session)
        return session

    def _give(self, session: PostgresSession) -> None:
        if session.forked:
            return
        session.used = time.monotonic()
        unused = None
        with self._lock:
            self._lent.discard(session)
            if self._log.closed:
                unused = session
            else:
                self._idle.append(session)
                if self._idle[0].used < session.used - _IDLE and self._idle[0] is not session:
                    unused = self._idle.pop(0)
        if unused is not None:
            unused.close()
        self._slots.release()
