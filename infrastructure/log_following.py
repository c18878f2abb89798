"""How a program follows the log of its workspace."""

from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    import sqlite3
    import threading

    import psycopg

    from stackfold.application.eventsourcing.custom_projection import Projection
    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.eventstore.event_subscription import (
        AsyncEventSubscription,
        EventSubscription,
    )
    from stackfold.infrastructure.eventstore.hash_chain import Head
    from stackfold.infrastructure.reactions.reactions import Reactions
    from stackfold.infrastructure.services import Services


class LogFollowing:
    """The part of a workspace that yields events as they are committed."""

    _database: "Database"
    _services: "Services"

    @cached_property
    def reactions(self) -> "Reactions":
        """Reactions: run, list, retry, skip, reset."""
        from stackfold.infrastructure.reactions.reactions import Reactions

        return Reactions(self, self._database, self._services)

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

    def run_projection(
        self,
        projection: "Projection",
        into: "sqlite3.Connection | psycopg.Connection[Any] | str | os.PathLike[str] | None" = None,
        *,
        timeout: float | None = None,
        batch: int = 1000,
        rebuild: bool = False,
        stop: "threading.Event | None" = None,
    ) -> str:
        """Apply every event exactly once to a projection: those of the log, then new ones.

        Each batch is committed with the head up to which the projection was applied. Continue by
        calling it again. Several processes may do so: they take turns.

        Args:
            projection: The projection.
            into: Where its tables and its checkpoint are: a connection of sqlite3 or psycopg that
                is in no transaction, the path of an SQLite file, or an address "postgresql://…".
                By default the database of the log, under its write lock.
            timeout: Seconds to wait for the next event before the method returns; None for no
                limit.
            batch: The most events of a transaction, at most 10,000.
            rebuild: Whether to drop its tables first and to begin before the first event.
            stop: Set it, in any thread, to stop after the current batch.

        Returns:
            The head up to which the projection was applied, as "POSITION:HASH".

        Raises:
            Invalid: An argument is out of range.
            LogDiverged: The log was replaced, or is shorter than the checkpoint says.
            ProjectionFailed: The projection raised; all events before that one were applied.
            UnreadableEvent: An event cannot be loaded; all events before it were applied.
            Unavailable: The database of the projection cannot be used.
        """
        from stackfold.infrastructure.projections.run import run_projection

        return run_projection(self._database, projection, into, timeout, batch, rebuild, stop)
