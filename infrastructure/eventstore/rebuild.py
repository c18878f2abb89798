"""Folding the whole log into empty read models, a batch at a time."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import Insert, RowChange, TemporalProjection
from stackfold.domain.errors import LogContradicts, UnreadableEvent
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.infrastructure.database.protocol import Cursor, Database, pages
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.eventstore.contradictions import Contradiction, Contradictions
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.log_index import (
    LOG_INDEX,
    IndexEntry,
    author_of,
    fact_entry,
    revision_entry,
)
from stackfold.infrastructure.eventstore.projector import encoded, in_json
from stackfold.infrastructure.eventstore.read_model_tables import ENVELOPE, ReadModelTables
from stackfold.infrastructure.eventstore.row_statements import statement

Progress = Callable[[int], None]
"""Called with the number of events that are done, now and then."""

_BATCH = 2000

_EVENTS = (
    "SELECT position, recorded_at, originator_id, originator_version, topic, state FROM events"
)


def rebuild(database: Database, progress: Progress | None = None) -> int:
    """Make the read models anew from the log, in one transaction, while readers go on.

    Args:
        database: Where the log is.
        progress: Told how many events are done.

    Returns:
        The number of events.

    Warns:
        LogContradicts: Events of the log exclude each other, such as two of the same name.

    Raises:
        UnreadableEvent: The log holds an event that cannot be loaded; nothing is changed then.
    """
    with database.apart() as own, own.write() as cursor:
        own.fix(cursor)
        done = _rebuild(own, cursor, progress)
    report(done.contradictions)
    return done.events


def fold_copied(database: Database, cursor: Cursor) -> list[Contradiction]:
    """Make the read models of a log that was just copied; returns what should be reported."""
    return _rebuild(database, cursor).contradictions


def upgrade(database: Database) -> None:
    """Rebuild read models of an older version, unless another process is faster."""
    found: list[Contradiction] = []
    with database.write() as cursor:
        if database.version(cursor) < SCHEMA:
            database.fix(cursor)
            found = _rebuild(database, cursor).contradictions
    report(found)


def report(contradictions: Iterable[Contradiction]) -> None:
    """Warn of contradictions; after the commit, since a warning may be made an error."""
    for each in contradictions:
        warnings.warn(LogContradicts(each.position, each.problem), stacklevel=3)


class _Done(NamedTuple):
    events: int
    contradictions: list[Contradiction]


def _rebuild(database: Database, cursor: Cursor, progress: Progress | None = None) -> _Done:
    tables = ReadModelTables(database.aggregates)
    anew = database.drops_unseen or database.version(cursor) < SCHEMA
    if anew:
        tables.drop(cursor)
        tables.create(cursor, database.main)
    else:
        tables.clear(cursor)
    fold = Fold(database, cursor, database.main)
    count = fold.run(events(database), progress)
    if anew:
        tables.create_indexes(cursor)
        database.stamp(cursor)
    return _Done(count, fold.contradictions.all())


def events(database: Database) -> Iterator[Any]:
    """All events, in order, as `Fold.run` takes them."""
    return pages(database, _EVENTS, _BATCH)


class Fold:
    """Rows of read models, made from events alone: nothing is read back while it goes on."""

    def __init__(self, database: Database, cursor: Cursor, schema: str) -> None:
        """Fill tables.

        Args:
            database: Whose aggregates are projected.
            cursor: Writes the rows.
            schema: Where the tables are: `database.main` or `database.temp`.
        """
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
        """Those that nobody has ended; complete when the fold is."""

    def run(self, events: Iterable[Any], progress: Progress | None = None) -> int:
        """Fold events into the tables, and return their number.

        Args:
            events: Tuples of position, recorded_at, originator_id, originator_version, topic and
                state, in the order of their positions.
            progress: Told how far it has got.

        Raises:
            UnreadableEvent: One of them cannot be loaded.
        """
        count = 0
        for count, (position, recorded_at, id, version, topic, state) in enumerate(events, 1):
            try:
                event = self._load(topic, id, version, state)
                self.contradictions.revision(id, version, position, topic)
                self._take(event, id, position, recorded_at)
            except UnreadableEvent as error:
                raise UnreadableEvent(topic, error.reason, position) from error
            except (AssertionError, LookupError, TypeError, ValueError) as error:
                if not self.contradictions.misfit(id, position, topic):
                    raise UnreadableEvent(topic, "it does not follow", position) from error
                self._index(fact_entry(position, event, None))
            if not count % _BATCH:
                self._flush()
                if progress:
                    progress(count)
        for (table, _), current in self._current.items():
            self._rows[table].append(current[:-1])
        self._flush()
        return count

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
            if not self.contradictions.kept(model, id, after):
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
        self._rows[LOG_INDEX.name].append(entry)

    def _change(self, change: RowChange) -> None:
        sql, parameters = statement(change, self._schema)
        if isinstance(change, Insert):
            self._rows[sql].append(parameters)
        else:
            self._flush()
            self._cursor.execute(sql, parameters)

    def _flush(self) -> None:
        # In the order in which each first came: what is derived from other rows comes after them.
        for table, rows in self._rows.items():
            if rows:
                insertion = table
                if not table.startswith("INSERT"):
                    marks = ", ".join("?" for _ in rows[0])
                    insertion = f"INSERT INTO {self._schema}.{table} VALUES ({marks})"
                insertion += " ON CONFLICT DO NOTHING"
                self._cursor.executemany(insertion, rows)
                if self._cursor.rowcount < len(rows):
                    self.contradictions.twice(insertion.split()[2].rpartition(".")[2])
                rows.clear()


_UNTIL, _ENDED = ENVELOPE.index("until"), ENVELOPE.index("ended")

_in_json = cache(in_json)
