"""Applies the events of the log to a projection, exactly once, a batch per transaction."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from stackfold.application.eventsourcing.custom_projection import (
    Execute,
    Projection,
    ProjectionChange,
)
from stackfold.application.log_records import PROJECTIONS, emit, enabled
from stackfold.domain.errors import Invalid, LogUnavailable, ProjectionFailed, UnreadableEvent
from stackfold.infrastructure.database.protocol import Database, NewEvents
from stackfold.infrastructure.eventstore.hash_chain import START, Checkpoint, Record
from stackfold.infrastructure.eventstore.log_pages import LogPages, Page, valid_size
from stackfold.infrastructure.eventstore.records import event_of
from stackfold.infrastructure.projections.checkpoints import checkpoint_of, save_checkpoint
from stackfold.infrastructure.projections.stores import ProjectionStore

BATCH = 1000
"""The most events of a transaction, by default."""
_SLICE = 0.25
"""Seconds after which a follower that was stopped by another thread ends."""
_LONGEST = 5.0
"""Seconds between two reads, even without a notification."""

Load = Callable[[str, UUID | str, int, bytes], Any]
"""(topic, originator id, originator version, state) → the event."""


class ProjectionFollower:
    """Applies events to a projection, from its checkpoint on.

    The checkpoint is read, and committed, in the transaction that applies a batch. So followers
    that are killed, or several of one projection, apply every event exactly once.
    """

    def __init__(
        self,
        database: Database,
        projection: Projection,
        store: ProjectionStore,
        load: Load,
        batch: int = BATCH,
    ) -> None:
        """Create a follower.

        Args:
            database: Holds the log.
            projection: Changes its tables.
            store: Holds the tables and the checkpoint.
            load: Loads a stored event.
            batch: The most events of a transaction.

        Raises:
            Invalid: The projection has invalid topics or no name, or the batch is out of range.
        """
        self._database, self._projection, self._store = database, projection, store
        self._load = load
        self._batch = valid_size(batch)
        self._pages = LogPages(database, _topics(projection, database))
        self._name = _name(projection)
        self.checkpoint = START
        """Where the last transaction ended."""

    def rebuild(self) -> None:
        """Drop and create the tables, and begin before the first event, in one transaction.

        Raises:
            Invalid: The projection has no method `drop`.
            ProjectionFailed: The projection raised.
        """
        if type(self._projection).drop is Projection.drop:
            raise Invalid(f"the projection {self._name!r} cannot be rebuilt: give it a method drop")
        with self._store.transaction(self._name) as execute:
            if checkpoint_of(execute, self._name, self._store):
                self._call(self._projection.drop, ProjectionChange(execute))
            self._begin(execute)
        text = f"projection {self._name!r} is rebuilt"
        emit(PROJECTIONS, "INFO", text, projection=self._name, position=0)

    def run(self, timeout: float, stop: threading.Event) -> Checkpoint:
        """Apply events until none arrives in time, or until the follower is stopped.

        Args:
            timeout: Seconds to wait for the next event; infinite for no limit.
            stop: Set by another thread to stop after the current batch.

        Returns:
            The checkpoint.

        Raises:
            LogDiverged: The log does not continue from the checkpoint.
            ProjectionFailed: The projection raised; all events before that one were applied.
            UnreadableEvent: An event cannot be loaded; all events before it were applied.
        """
        with self._database.new_events() as arrivals:
            end = time.monotonic() + timeout
            while not stop.is_set():
                arrivals.renew()
                if self._apply_batch():
                    end = time.monotonic() + timeout
                elif not _wait(arrivals, end, stop):
                    break
        return self.checkpoint

    def catch_up(self) -> None:
        """Apply all events of the log; a part of the current transaction of the log's database.

        Raises:
            ProjectionFailed: The projection raised.
            UnreadableEvent: An event cannot be loaded.
        """
        while self._advance(self._batch, []):
            pass

    def _apply_batch(self) -> bool:
        """Apply one batch, or what precedes an event that fails; whether the checkpoint moved."""
        applied: list[Record] = []
        try:
            return self._advance(self._batch, applied)
        except (ProjectionFailed, UnreadableEvent):
            # The batch was rolled back.
            if applied:
                self._advance(len(applied), [])
            raise

    def _advance(self, size: int, applied: list[Record]) -> bool:
        """Apply at most `size` events; whether the checkpoint moved."""
        with self._store.transaction(self._name) as execute:
            begin = checkpoint_of(execute, self._name, self._store)
            if begin is None:
                begin = self._begin(execute)
            page: Page = self._pages.read(begin, size)
            change = ProjectionChange(execute)
            for record in page.records:
                self._apply(record, change)
                applied.append(record)
            if page.end != begin:
                save_checkpoint(execute, self._name, page.end)
        self.checkpoint = page.end
        if page.records and enabled(PROJECTIONS, "DEBUG"):
            count, position = len(page.records), page.end.position
            text = f"projection {self._name!r} applied {count} events up to #{position}"
            emit(PROJECTIONS, "DEBUG", text, projection=self._name, events=count, position=position)
        return page.end != begin

    def _begin(self, execute: Execute) -> Checkpoint:
        self._call(self._projection.create, ProjectionChange(execute))
        save_checkpoint(execute, self._name, START)
        return START

    def _apply(self, record: Record, change: ProjectionChange) -> None:
        event: Any
        try:
            if self._database.aggregates.event_class(record.topic) is None:
                event = event_of(record)
            else:
                event = self._load(
                    record.topic, record.originator_id, record.originator_version, record.state
                )
        except UnreadableEvent as error:
            raise UnreadableEvent(record.topic, error.reason, record.position) from error
        change.position, change.recorded_at = record.position, record.recorded_at
        self._call(self._projection.apply, event, change)

    def _call(self, method: Callable[..., None], *arguments: Any) -> None:
        try:
            method(*arguments)
        except LogUnavailable:
            raise
        except Exception as error:
            change: ProjectionChange = arguments[-1]
            problem = f"{type(error).__name__}: {' '.join(str(error).split()):.300}"
            raise ProjectionFailed(self._name, change.position, problem) from error


def _wait(arrivals: NewEvents, end: float, stop: threading.Event) -> bool:
    """Wait for new events; False at the end of the time, or when the follower is stopped."""
    again = time.monotonic() + _LONGEST
    while not stop.is_set():
        now = time.monotonic()
        if now >= end:
            return False
        if now >= again or arrivals.wait(min(_SLICE, end - now)):
            return True
    return False


def _name(projection: object) -> str:
    if not isinstance(projection, Projection):
        raise Invalid(f"{projection!r:.100} is not a projection: derive its class from Projection")
    name: object = projection.name
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 200:
        raise Invalid(f"{name!r:.100} cannot name a projection: give a text of 1 to 200 characters")
    return name


def _declares(database: Database, event_class: type) -> bool:
    topic = getattr(event_class, "TOPIC", "")
    return database.aggregates.event_class(topic) is event_class


def _topics(projection: Projection, database: Database) -> Sequence[Any]:
    topics: Any = getattr(projection, "topics", ())
    if not isinstance(topics, list | tuple | set | frozenset):
        raise Invalid(f"topics = {topics!r:.100} of a projection must be a list or tuple")
    for each in topics:
        if isinstance(each, type) and not _declares(database, each):
            raise Invalid(f"the workspace does not declare the aggregate of {each!r:.200}")
    return [getattr(each, "TOPIC", each) for each in topics]
