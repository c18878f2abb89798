"""Subscriptions: iterators over the log that wait for new events."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Self

from stackfold.application.history.views import LogEvent
from stackfold.infrastructure.database.protocol import Database, NewEvents
from stackfold.infrastructure.eventstore.hash_chain import Checkpoint, Head, Record
from stackfold.infrastructure.eventstore.log_pages import (
    LogPages,
    Page,
    valid_size,
    valid_start,
    valid_timeout,
)
from stackfold.infrastructure.eventstore.records import event_of
from stackfold.infrastructure.system.forks import notify_after_fork

_PAGE = 500
_SLICE = 0.25
"""Seconds after which a subscription that was stopped by another thread ends."""
_POLL = 0.04
"""Seconds between two checks of an asynchronous subscription."""
_LONGEST = 5.0
"""Seconds between two reads, even without a notification."""


class _Subscription:
    """What both kinds of subscription share: where they are, and how they read a page."""

    def __init__(
        self,
        database: Database,
        after: int | str | Head,
        topics: Collection[str],
        timeout: float | None,
    ) -> None:
        """Create a subscription.

        Args:
            database: Holds the log.
            after: The last position that was processed, or the head at it.
            topics: Only events of these topics; empty for all.
            timeout: Seconds to wait for the next event before it ends; None for no limit.

        Raises:
            Invalid: An argument is out of range.
        """
        self._database = database
        self._timeout = valid_timeout(timeout)
        self._pages = LogPages(database, topics)
        self._at: int | Checkpoint = valid_start(after)
        self._records: deque[Record] = deque()
        self._resources = ExitStack()
        self._arrivals: NewEvents | None = None
        self._opening = threading.Lock()
        self._stopped = threading.Event()
        notify_after_fork(self)

    def after_fork(self) -> None:
        """In a forked process, forget that another thread may have the locks."""
        self._opening = threading.Lock()

    def stop(self) -> None:
        """End the iteration before its next event. Any thread may call it."""
        self._stopped.set()

    def _read(self, size: int) -> Page:
        """The next page. Changes no position, so that a page that is not received is read again."""
        with self._opening:
            if self._arrivals is None:
                # Before the first read, so that no event is missed between reading and waiting.
                self._arrivals = self._resources.enter_context(self._database.new_events())
            self._arrivals.renew()
        at = self._at
        # A read that was cancelled may end after the next one has begun, so it assigns nothing.
        return self._pages.read(self._pages.begin(at) if isinstance(at, int) else at, size)

    def _release(self) -> None:
        self.stop()
        with self._opening:
            self._arrivals = None
            self._resources.close()

    def __del__(self) -> None:
        with suppress(Exception):
            self._release()


class EventSubscription(_Subscription, Iterator[LogEvent]):
    """Yields the events after a position, and every later one as soon as it is committed.

    It ends when it is stopped, or when no event arrives for the given time. Use it in a `with`
    block, or `close` it, to release its connection. One thread at a time may iterate.
    """

    def __init__(
        self,
        database: Database,
        after: int | str | Head = 0,
        topics: Collection[str] = (),
        timeout: float | None = None,
    ) -> None:
        """Use `Workspace.subscribe` instead of this.

        Raises:
            Invalid: An argument is out of range.
            LogDiverged: The log does not continue after `after`.
        """
        super().__init__(database, after, topics, timeout)
        self._iterating = threading.RLock()
        self._at = self._pages.begin(self._at)

    def after_fork(self) -> None:
        """In a forked process, forget that another thread may have the locks."""
        super().after_fork()
        self._iterating = threading.RLock()

    def __next__(self) -> LogEvent:
        """The next event; waits until there is one.

        Raises:
            StopIteration: The subscription was stopped, or no event arrived in time.
            LogDiverged: The log was replaced.
            UnreadableEvent: The event is damaged.
        """
        if not self._records:
            self._records.extend(self._next(_PAGE))
        if self._stopped.is_set() or not self._records:
            self.close()
            raise StopIteration
        return event_of(self._records.popleft())

    def batches(self, size: int = _PAGE) -> Iterator[Sequence[LogEvent]]:
        """The events in batches: as many as there are, but at most `size`; never an empty one.

        Args:
            size: The most events of a batch, at most 10,000.

        Raises:
            Invalid: The size is out of range.
        """
        return self._batches(valid_size(size))

    def _batches(self, size: int) -> Iterator[Sequence[LogEvent]]:
        while not self._stopped.is_set():
            records = [self._records.popleft() for _ in range(min(size, len(self._records)))]
            records = records or [*self._next(size)]
            if not records:
                return
            yield [event_of(each) for each in records]

    def close(self) -> None:
        """Stop, and release the connection. Any thread may call it."""
        self.stop()
        with self._iterating:  # until the thread that waits has noticed
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self, size: int) -> Sequence[Record]:
        """The next records; none when the subscription ends."""
        end = time.monotonic() + self._timeout
        with self._iterating:
            while not self._stopped.is_set():
                records, self._at = self._read(size)
                if records:
                    return records
                if not self._wait(end):
                    break
        return ()

    def _wait(self, end: float) -> bool:
        """Wait for new events; False at the end of the time, or when the subscription stops."""
        again = time.monotonic() + _LONGEST
        while self._arrivals and not self._stopped.is_set():
            now = time.monotonic()
            if now >= end:
                return False
            if now >= again or self._arrivals.wait(min(_SLICE, end - now)):
                return True
        return False


class AsyncEventSubscription(_Subscription, AsyncIterator[LogEvent]):
    """Yields events like `EventSubscription`, in an event loop.

    It waits without a thread: it polls a counter or a socket. Only pages are read in a thread of
    the loop's default executor. An iteration that is cancelled can be continued and loses no event.
    Use it in an `async with` block, or call `aclose`, to release its connection. One task at a time
    may iterate.
    """

    async def __anext__(self) -> LogEvent:
        """The next event; waits until there is one.

        Raises:
            StopAsyncIteration: The subscription was stopped, or no event arrived in time.
            LogDiverged: The log does not continue after the last event.
            UnreadableEvent: The event is damaged.
        """
        if not self._records:
            self._records.extend(await self._next(_PAGE))
        if self._stopped.is_set() or not self._records:
            await self.aclose()
            raise StopAsyncIteration
        return event_of(self._records.popleft())

    async def batches(self, size: int = _PAGE) -> AsyncIterator[Sequence[LogEvent]]:
        """The events in batches: as many as there are, but at most `size`; never an empty one.

        Args:
            size: The most events of a batch, at most 10,000.

        Raises:
            Invalid: The size is out of range.
        """
        valid_size(size)
        while not self._stopped.is_set():
            records = [self._records.popleft() for _ in range(min(size, len(self._records)))]
            records = records or [*await self._next(size)]
            if not records:
                return
            yield [event_of(each) for each in records]

    async def aclose(self) -> None:
        """Stop, and release the connection."""
        self.stop()
        await asyncio.to_thread(self._release)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _next(self, size: int) -> Sequence[Record]:
        end = time.monotonic() + self._timeout
        while not self._stopped.is_set():
            records, self._at = await asyncio.to_thread(self._read, size)
            if records:
                return records
            if not await self._wait(end):
                break
        return ()

    async def _wait(self, end: float) -> bool:
        again = time.monotonic() + _LONGEST
        while self._arrivals and not self._stopped.is_set():
            now = time.monotonic()
            if now >= end:
                return False
            if now >= again or self._arrivals.ready():
                return True
            await asyncio.sleep(min(_POLL, end - now))
        return False
