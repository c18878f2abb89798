"""Rebuilds the read models from the whole log, a batch of events at a time."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from time import monotonic
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import Insert, RowChange, TemporalProjection
from stackfold.application.log_records import PROJECTIONS, emit
from stackfold.domain.errors import LogContradicts, StackfoldWarning, UnreadableEvent
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.domain.eventsourcing.topics import is_prefixed_event
from stackfold.infrastructure.database.log_index import (
    LOG_INDEX,
    IndexEntry,
    author_of,
    fact_entry,
    package_entry,
    revision_entry,
)
from stackfold.infrastructure.database.protocol import Cursor, Database, pages
from stackfold.infrastructure.database.read_model_tables import ENVELOPE, ReadModelTables
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.eventstore.contradictions import Contradictions
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.packaged_read_models import PackagedReadModels
from stackfold.infrastructure.eventstore.projector import encoded, in_json
from stackfold.infrastructure.eventstore.row_statements import statement

Progress = Callable[[int], None]
"""(number of events that are done) → None; called after each batch."""

BATCH = 2000

_EVENTS = (
    "SELECT position, recorded_at, originator_id, originator_version, topic, state FROM events"
)


def rebuild(database: Database, progress: Progress | None = None) -> int:
    """Rebuild the read models from the log, in one transaction, while others read and write.

    Writers wait where tables or indexes themselves are damaged, and in memory.

    Args:
        database: Holds the log.
        progress: Called with the number of events that are done.

    Returns:
        The number of events.

    Warns:
        LogContradicts: Events of the log contradict each other, such as two of the same name.
        AggregateSkipped: The read model of a package cannot be built here.

    Raises:
        UnreadableEvent: An event cannot be loaded; nothing is changed.
    """
    from stackfold.infrastructure.eventstore.shadow_rebuild import ShadowRebuild

    began = monotonic()
    with database.apart() as own:
        shadow = ShadowRebuild(own)
        if own is not database and shadow.done(progress):
            done = _Done(shadow.events, shadow.problems)
        else:
            with own.write() as cursor:
                own.repair(cursor)
                done = _rebuild(own, cursor, progress)
    _log_rebuild(done.events, began)
    report(done.problems)
    return done.events


def fold_copied(database: Database, cursor: Cursor) -> list[StackfoldWarning]:
    """Build the read models of a log that was just copied; returns the problems of it."""
    return _rebuild(database, cursor).problems


def upgrade(database: Database) -> None:
    """Rebuild read models with an older schema version, unless another process is faster."""
    done: _Done | None = None
    began = monotonic()
    with database.write() as cursor:
        if database.version(cursor) < SCHEMA:
            database.repair(cursor)
            done = _rebuild(database, cursor)
    if done:
        _log_rebuild(done.events, began)
        report(done.problems)


def report(problems: Iterable[StackfoldWarning]) -> None:
    """Warn of problems. Call this after the commit, since a filter may raise the warning."""
    for each in problems:
        warnings.warn(each, stacklevel=3)


def _log_rebuild(events: int, began: float) -> None:
    seconds = round(monotonic() - began, 3)
    text = f"rebuilt the read models from {events} events"
    emit(PROJECTIONS, "INFO", text, projection="read models", events=events, seconds=seconds)


class _Done(NamedTuple):
    events: int
    problems: list[StackfoldWarning]


def _rebuild(database: Database, cursor: Cursor, progress: Progress | None = None) -> _Done:
    tables = ReadModelTables(database.aggregates)
    recreate = database.drops_unseen or database.version(cursor) < SCHEMA
    if recreate:
        tables.drop(cursor)
        tables.create(cursor, database.main)
    else:
        tables.clear(cursor)
    fold = Fold(database, cursor, database.main)
    count = fold.run(events(database), progress)
    packaged = PackagedReadModels(database)
    if recreate:
        packaged.registry.create(cursor)
    not_rebuilt = packaged.rebuild(cursor)
    if recreate:
        tables.create_indexes(cursor)
        database.stamp(cursor)
    contradictions = (LogContradicts(*each) for each in fold.contradictions.all())
    return _Done(count, [*contradictions, *not_rebuilt])


def events(database: Database, of: str | None = None) -> Iterator[Any]:
    """Events by position, as `Fold.run` takes them.

    Args:
        database: Holds the log.
        of: The topic of the aggregates that they belong to; None for all events.
    """
    if of is None:
        return pages(database, _EVENTS, BATCH)
    begin = f"{of}."
    return pages(database, _EVENTS, BATCH, f" AND substr(topic, 1, {len(begin)}) = ?", (begin,))


def events_after(database: Database, position: int) -> Iterator[Any]:
    """Events after a position, as `Fold.run` takes them."""
    return pages(database, _EVENTS, BATCH, " AND position > ?", (position,))


class Fold:
    """Projects events into empty tables, without reading the tables back.

    Either all events are projected into the tables of Stackfold, which include the log index; or
    those of one aggregate of another package are projected into its tables.
    """

    def __init__(
        self, database: Database, cursor: Cursor, schema: str, of: str | None = None
    ) -> None:
        """Create a fold.

        Args:
            database: Declares the aggregates.
            cursor: Writes the rows.
            schema: The schema of the tables: `database.main` or `database.temp`.
            of: The topic of an aggregate of another package; None for the tables of Stackfold.
        """
        self._of = of
        self._cursor = cursor
        self._schema = schema
        self._load = EventMapper(database.aggregates).load
        self._type_of = database.aggregates.type_of
        self._current: dict[tuple[str, str], list[Any]] = {}
        self._created: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}
        """Id → name, for aggregates without a row per revision."""
        self._rows: dict[str, list[Sequence[Any]]] = defaultdict(list)
        self.contradictions = Contradictions()
        """The contradictions among the events; complete after `run`."""

    def run(self, events: Iterable[Any], progress: Progress | None = None) -> int:
        """Project events into the tables.

        Args:
            events: Tuples of position, recorded_at, originator_id, originator_version, topic and
                state, by position.
            progress: Called with the number of events that are done.

        Returns:
            The number of events.

        Raises:
            UnreadableEvent: An event cannot be loaded.
        """
        count = 0
        for count, event in enumerate(events, 1):
            self._read(*event)
            if not count % BATCH:
                self._flush()
                if progress:
                    progress(count)
        for (table, _), current in self._current.items():
            self._rows[table].append(current[:-1])
        self._flush()
        return count

    def resume(
        self, cursor: Cursor, events: Iterable[Any], progress: Progress | None = None
    ) -> int:
        """Project further events, in another transaction.

        Args:
            cursor: Writes the rows.
            events: As for `run`.
            progress: As for `run`.

        Returns:
            The number of events.
        """
        self._cursor = cursor
        # `run` inserts the latest revisions at its end, when they cannot change any more.
        for table in sorted({table for table, _ in self._current}):
            cursor.execute(f"DELETE FROM {self._schema}.{table} WHERE until IS NULL")
        return self.run(events, progress)

    def _read(
        self, position: int, recorded_at: str, id: str, version: int, topic: str, state: bytes
    ) -> None:
        if self._of is None and is_prefixed_event(topic):
            self.contradictions.revision(id, version, position, topic)
            entry = package_entry(position, topic, id, state, self._names.get(id))
            self._names[id] = entry.name
            self._index(entry)
            return
        try:
            event = self._load(topic, id, version, state)
        except UnreadableEvent as error:
            raise UnreadableEvent(topic, error.reason, position) from error
        try:
            self.contradictions.revision(id, version, position, topic)
            self._take(event, id, position, recorded_at)
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            if not self.contradictions.leave_out(id, position, topic):
                raise UnreadableEvent(topic, "it does not follow", position) from error
            self._index(fact_entry(position, event, None))

    def _take(self, event: DomainEvent, id: str, position: int, recorded_at: str) -> None:
        declared = self._type_of(event.TOPIC)
        if declared is None:
            return
        if declared.projection:
            self._revise(declared.projection, event, id, position, recorded_at)
        else:
            if event.originator_version == 1:
                self._names.setdefault(id, getattr(event, "name", id))
            self._index(fact_entry(position, event, self._names.get(id)))
        for projection in declared.tables:
            for change in projection.apply(event, position, recorded_at):
                self._change(change)

    def _revise(
        self,
        projection: TemporalProjection,
        event: DomainEvent,
        id: str,
        position: int,
        recorded_at: str,
    ) -> None:
        model = projection.read_model
        key = (model.table, id)
        before = self._current.get(key)
        row = before[-1] if before else None
        after = projection.apply(row, event)
        if before is not None:
            del self._current[key]
            before.pop()
            before[_UNTIL], before[_ENDED] = position, recorded_at
            self._rows[model.table].append(before)
        created = self._created.setdefault(key, recorded_at)
        if after is None:
            self.contradictions.ended(model, id)
        else:
            if not self.contradictions.unchanged(model, id, after):
                after = self.contradictions.named(model, id, after, position)
            self._current[key] = [
                id, event.originator_version, position, None,
                created, recorded_at, None, author_of(event),
                *encoded(after, _in_json(model)), after,
            ]  # fmt: skip
        shown = after or row
        if shown is not None:
            self._index(revision_entry(position, event, model, shown))

    def _index(self, entry: IndexEntry) -> None:
        if self._of is None:
            self._rows[LOG_INDEX.name].append(entry)

    def _change(self, change: RowChange) -> None:
        sql, parameters = statement(change, self._schema)
        if isinstance(change, Insert):
            self._rows[sql].append(parameters)
        else:
            self._flush()
            self._cursor.execute(sql, parameters)

    def _flush(self) -> None:
        # In the order of the first rows of each table: rows that look up values come after those.
        for table, rows in self._rows.items():
            if rows:
                insertion = table
                if not table.startswith("INSERT"):
                    marks = ", ".join("?" for _ in rows[0])
                    insertion = f"INSERT INTO {self._schema}.{table} VALUES ({marks})"
                insertion += " ON CONFLICT DO NOTHING"
                self._cursor.executemany(insertion, rows)
                if self._cursor.rowcount < len(rows):
                    self.contradictions.duplicate_row(insertion.split()[2].rpartition(".")[2])
                rows.clear()


_UNTIL, _ENDED = ENVELOPE.index("until"), ENVELOPE.index("ended")

_in_json = cache(in_json)
