"""Appends events to the log in a database, with hash chain and read models, and reads them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
)

from stackfold.application.eventsourcing.asking import must_not_be_asking
from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.domain.errors import LogUnavailable, WriteInterrupted
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.domain.eventsourcing.topics import is_prefixed_event
from stackfold.infrastructure.database import log_tables
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.eventstore import clock
from stackfold.infrastructure.eventstore.commit_reports import CommitReports, report_wait
from stackfold.infrastructure.eventstore.hash_chain import (
    BEGINNING,
    Head,
    Record,
    chained,
    select_head,
)
from stackfold.infrastructure.eventstore.packaged_read_models import PackagedReadModels
from stackfold.infrastructure.eventstore.projector import Projector
from stackfold.infrastructure.eventstore.subscription import LogSubscription
from stackfold.infrastructure.queries.policies import ANY_ENABLED
from stackfold.infrastructure.system.forks import notify_after_fork

if TYPE_CHECKING:
    from stackfold.infrastructure.policies.judge import PolicyJudge

Load = Callable[[str, UUID | str, int, bytes], Any]
"""(topic, originator id, originator version, state) → the event."""


class Recorder(ApplicationRecorder):
    """Appends events to the log, each chained to the previous one, and reads them.

    As a recorder of the eventsourcing library it serves the library's notification logs,
    subscriptions and projection runners.
    """

    def __init__(
        self,
        database: Database,
        tables: ReadModelTables,
        projector: Projector,
        load: Load,
        judge: "PolicyJudge",
        after_append: Callable[[], None] | None = None,
    ) -> None:
        """Create a recorder.

        Args:
            database: Holds the log and its read models.
            tables: The tables of the read models.
            projector: Updates the read models.
            load: Loads a stored event, for callers that pass no event objects.
            judge: Asks the enabled policies about each change.
            after_append: Called in each transaction after events were appended.
        """
        super().__init__()
        self._database = database
        self._load = load
        self._judge = judge
        self._tables = tables
        self._projector = projector
        self._after_append = after_append
        self._packaged = PackagedReadModels(database)
        self._reports = CommitReports(self._contains)
        self._latest: Record | None = None
        self._unit: UnitOfWork | None = None
        """The unit of work that all events are part of; None outside of any."""
        notify_after_fork(self)

    def after_fork(self) -> None:
        """In a forked process, leave the unit of work of the parent."""
        self._unit = None

    def create_tables(self) -> None:
        """Create the empty tables of the log and of its read models."""
        with self._database.write() as cursor:
            self._database.prepare(cursor)
            log_tables.create(cursor, self._database)
            self._tables.create(cursor, self._database.main)
            self._tables.create_indexes(cursor)
            self._packaged.registry.create(cursor)
            self._database.stamp(cursor)

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        events: Sequence[DomainEvent | None] = (),
        preview: Callable[[Sequence[int]], None] | None = None,
        **_: Any,
    ) -> Sequence[int]:
        """Append events and project them into the read models, all or nothing.

        Args:
            stored_events: The events as they are stored.
            events: The same events as objects; loaded from the stored ones if omitted.
            preview: Called with the positions before everything is rolled back, for a dry run;
                None to commit.

        Returns:
            The positions of the events.

        Raises:
            IntegrityError: An aggregate already has an event of the same revision.
            StackfoldError: A constraint or a policy forbids an event.
            PolicyCannotWrite: A policy appends them.
        """
        must_not_be_asking()
        written: list[Record] = []
        if not events:
            events = [self._loaded(stored) for stored in stored_events]
        try:
            self._append(stored_events, events, preview, written)
        except WriteInterrupted:
            if self._unit is not None:
                raise
            if len(written) < len(stored_events) or not self._has(written[-1]):
                # Nothing was committed, so it can be repeated.
                written.clear()
                self._append(stored_events, events, preview, written)
        if preview is None:
            self._reports.appended(written, events)
        return [record.position for record in written]

    def _append(
        self,
        stored_events: Sequence[StoredEvent],
        events: Sequence[DomainEvent | None],
        preview: Callable[[Sequence[int]], None] | None,
        written: list[Record],
    ) -> None:
        """Append events once; the records are added to `written` before the commit."""
        began = monotonic()
        with self._database.write(keep=preview is None) as cursor:
            report_wait(began)
            head, server_time, governed = self._head(cursor)
            position, _, previous = head
            # The clocks of writers differ, but the time of recording never runs backwards.
            recorded_at = clock.stamp(self._database, head, server_time)
            is_late = recorded_at == head.recorded_at
            late = clock.ahead(self._database, cursor, head, server_time) if is_late else None
            first = change = position + 1
            if self._unit is not None:
                change = self._unit.number = self._unit.number or first
            self._packaged.prepare(cursor, stored_events, events)
            self._judge.appending(first, governed)
            for stored, event in zip(stored_events, events, strict=True):
                position += 1
                record = _record(position, change, recorded_at, stored, previous)
                try:
                    cursor.execute(log_tables.INSERT, record)
                except self._database.conflict as error:
                    raise IntegrityError(str(error)) from error
                written.append(record)
                self._latest = record
                previous = record.hash
                if is_prefixed_event(record.topic):
                    self._projector.index(cursor, record)
                if event is not None:
                    row = self._projector.project(cursor, event, position, recorded_at)
                    self._judge.add(event, row, position)
            if self._after_append:
                self._after_append()
            self._judge.appended(preview is not None)
            if preview:
                preview([*range(first, position + 1)])
        clock.report(late)

    def _head(self, cursor: Cursor) -> tuple[Head, str | None, bool]:
        """The end of the log, the time of the server's clock, and whether a policy is enabled."""
        time = self._database.clock
        rows = cursor.execute(select_head(time, ANY_ENABLED)).fetchall()
        if rows:
            return Head(*rows[0][:3]), rows[0][3], bool(rows[0][4])
        ((server_time,),) = cursor.execute(f"SELECT {time}").fetchall()
        return Head(0, "", BEGINNING), server_time, False

    def _has(self, record: Record) -> bool:
        """Whether a record was committed, after the connection was lost.

        Raises:
            WriteInterrupted: The log cannot be read.
        """
        try:
            # Under the write lock, which the server holds while it still commits the record.
            with self._database.write() as cursor:
                found = cursor.execute(
                    "SELECT hash FROM events WHERE originator_id = ? AND originator_version = ?",
                    (record.originator_id, record.originator_version),
                ).fetchall()
        except LogUnavailable as error:
            raise WriteInterrupted(self._database.location) from error
        return [*found] == [(record.hash,)]

    def _contains(self, record: Record) -> bool:
        sql = "SELECT hash FROM events WHERE position = ?"
        return [*self._database.read(sql, (record.position,))] == [(record.hash,)]

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Append everything in the block in one transaction, in which no other process appends.

        Raises:
            WriteInterrupted: The connection was lost, and nothing was appended.
            StackfoldError: A policy forbids it.
        """
        must_not_be_asking()
        if self._unit is not None:
            with self._database.write():
                yield
            return
        self._latest = None
        began = monotonic()
        try:
            with self._reports.block(), self._database.write(), self._judge.deferred():
                report_wait(began)
                yield
        except WriteInterrupted:
            if self._latest is None or not self._has(self._latest):
                raise

    @contextmanager
    def as_one_change(self, unit: UnitOfWork) -> Iterator[None]:
        """Append everything in the block as one change, in one transaction.

        Raises:
            WriteInterrupted: The connection was lost, and nothing was appended.
        """
        with self.exclusive():
            unit.begin()
            with self._database.reserved(unit):
                self._unit = unit
                try:
                    yield
                    unit.check()
                finally:
                    self._unit = None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one aggregate, by revision.

        Args:
            originator_id: The aggregate's id.
            gt: Only revisions greater than this one.
            lte: Only revisions up to this one.
            desc: Whether the order is from the newest to the oldest.
            limit: The largest number of events.
        """
        order = "DESC" if desc else "ASC"
        rows = self._database.read(
            "SELECT originator_version, topic, state FROM events WHERE originator_id = ? "
            "AND originator_version > ? AND originator_version <= ? "
            f"ORDER BY originator_version {order}, position {order} LIMIT ?",
            (str(originator_id), gt or 0, _LAST if lte is None else lte, limit or _LAST),
        )
        return [StoredEvent(UUID(str(originator_id)), *row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The events of all aggregates, by position.

        Args:
            start: The first position; None for the beginning of the log.
            limit: The largest number of events.
            stop: The last position; None for the end of the log.
            topics: Only events of these topics; empty for all.
            inclusive_of_start: Whether the event at `start` is included.
        """
        first = (start or 0) if inclusive_of_start else (start or 0) + 1
        wanted = f" AND topic IN ({', '.join('?' for _ in topics)})" if topics else ""
        rows = self._database.read(
            "SELECT originator_id, originator_version, topic, state, position FROM events "
            f"WHERE position >= ? AND position <= ?{wanted} ORDER BY position LIMIT ?",
            (first, _LAST if stop is None else stop, *topics, limit),
        )
        return [Notification(UUID(id), *columns) for id, *columns in rows]

    def max_notification_id(self) -> int | None:
        """The last position; None for an empty log."""
        ((last,),) = self._database.read("SELECT max(position) FROM events")
        return None if last is None else int(last)

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LogSubscription:
        """An iterator over the events after a position, which waits for later ones.

        Args:
            gt: Only positions after this one; None for all.
            topics: Only events of these topics; empty for all.
        """
        return LogSubscription(self, self._database, gt, topics)

    def _loaded(self, stored: StoredEvent) -> DomainEvent | None:
        """The event that was stored; None if no aggregate type declares it."""
        if self._database.aggregates.event_class(stored.topic) is None:
            return None
        event: DomainEvent = self._load(
            stored.topic, stored.originator_id, stored.originator_version, stored.state
        )
        return event


_LAST = 2**63 - 1


def _record(
    position: int, change: int, recorded_at: str, stored: StoredEvent, previous: bytes
) -> Record:
    columns = (
        position,
        change,
        recorded_at,
        str(stored.originator_id),
        stored.originator_version,
        stored.topic,
        stored.state,
    )
    return Record(*columns, hash=chained(previous, *columns))
