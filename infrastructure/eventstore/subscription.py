"""Subscription: an iterator over the log that waits for new events."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

from stackfold.infrastructure.database.protocol import Database, NewEvents

_PAGE = 500
_LONGEST_WAIT = 0.2
"""Seconds after which a subscription that was stopped by another thread ends."""


class LogSubscription(Subscription[ApplicationRecorder]):
    """Yields the events after a position, and every later one as soon as it is committed.

    It ends when `stop` is called, from any thread.
    """

    def __init__(
        self,
        recorder: ApplicationRecorder,
        database: Database,
        gt: int | None = None,
        topics: Sequence[str] = (),
    ) -> None:
        """Create a subscription.

        Args:
            recorder: Reads the log.
            database: Notifies of new events.
            gt: Only positions after this one; None for all.
            topics: Only events of these topics; empty for all.
        """
        super().__init__(recorder, gt, topics)
        self._database = database
        self._resources = ExitStack()
        self._arrivals: NewEvents | None = None
        self._read: deque[Notification] = deque()
        self._iterating = threading.RLock()

    def __next__(self) -> Notification:
        """The next event; waits until there is one.

        Raises:
            StopIteration: The subscription was stopped.
        """
        with self._iterating:
            return self._next()

    def _next(self) -> Notification:
        if self._arrivals is None:
            # Before the first read, so that no event is missed between reading and waiting.
            self._arrivals = self._resources.enter_context(self._database.new_events())
        while not self._has_been_stopped:
            if self._read:
                notification = self._read.popleft()
                self._last_notification_id = notification.id
                return notification
            self._arrivals.renew()
            self._read.extend(
                self._recorder.select_notifications(
                    self._last_notification_id or 0,
                    _PAGE,
                    topics=self._topics,
                    inclusive_of_start=False,
                )
            )
            if not self._read:
                self._arrivals.wait(_LONGEST_WAIT)
        self._resources.close()
        raise StopIteration

    def __exit__(self, *args: object, **kwargs: object) -> None:
        """Stop the subscription and release its connection."""
        super().__exit__(*args, **kwargs)
        with self._iterating:  # until the thread that waits has noticed
            self._resources.close()
