"""How a program follows the log of its workspace."""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.eventstore.event_subscription import (
        AsyncEventSubscription,
        EventSubscription,
    )
    from stackfold.infrastructure.eventstore.hash_chain import Head


class LogFollowing:
    """The part of a workspace that yields events as they are committed."""

    _database: "Database"

    def subscribe(
        self,
        after: "int | str | Head" = 0,
        timeout: float | None = None,
        topics: Collection[str] = (),
    ) -> "EventSubscription":
        """The events after a position, and every later one as soon as it is committed.

        To maintain a table, commit the head of each event together with its changes, and subscribe
        after the last committed head: every event is then applied exactly once. `run_projection`
        does this for you.

        Args:
            after: The last position that was processed, or the head at it, as "POSITION:HASH".
                Only a head detects that the log was replaced by another one.
            timeout: Seconds to wait for the next event before the iterator ends; None for no limit.
            topics: Only events of these topics, such as "stack.updated"; empty for all.

        Raises:
            Invalid: An argument is out of range.
            LogDiverged: The log does not continue after `after`: it was replaced or is shorter.
        """
        from stackfold.infrastructure.eventstore.event_subscription import EventSubscription

        return EventSubscription(self._database, after, topics, timeout)

    def subscribe_async(
        self,
        after: "int | str | Head" = 0,
        timeout: float | None = None,
        topics: Collection[str] = (),
    ) -> "AsyncEventSubscription":
        """The same events as `subscribe`, for `async for`.

        While it waits, it uses no thread; `LogDiverged` is raised by the first iteration.

        Args:
            after: The last position that was processed, or the head at it, as "POSITION:HASH".
            timeout: Seconds to wait for the next event before the iterator ends; None for no limit.
            topics: Only events of these topics; empty for all.

        Raises:
            Invalid: An argument is out of range.
        """
        from stackfold.infrastructure.eventstore.event_subscription import AsyncEventSubscription

        return AsyncEventSubscription(self._database, after, topics, timeout)
