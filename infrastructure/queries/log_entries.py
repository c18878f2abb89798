"""Entries of the log: what each event changed, read a page at a time with a few queries."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.history.row_changes import row_changes
from stackfold.application.history.views import Change, HistoryEntry
from stackfold.domain.eventsourcing.topics import aggregate_topic
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks, readable_model, table_of

COLUMNS = (
    "e.position, e.change, e.recorded_at, e.originator_id, e.originator_version, e.topic, "
    "e.state, n.kind, n.name"
)
"""The columns of `EventRow`, with the events as `e` and their entries in the log index as `n`."""
PAGE = 200
"""The number of events of a page."""

_AT_ONCE = 500
"""The largest number of names that one statement looks up."""

_SHOWN = ("name", "pipeline", "step", "error")
"""The fields of a run's events that entries show."""

_NO_DATA = {
    "by", "why", "undoes", "correlation_id", "database_role", "package", "timestamp",
    "class_version", "originator_topic",
}  # fmt: skip
"""The fields of events that entries show elsewhere, or not at all."""


class EventRow(NamedTuple):
    """A row of the log, with its entry in the log index."""

    position: int
    change: int
    recorded_at: str
    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    kind: str | None
    """What it changed; None if the log index has no entry."""
    name: str | None
    """The name of what it changed; None if the log index has no entry."""


Row = Mapping[str, Any]
"""Column → stored value, for one revision."""


class _Revision(NamedTuple):
    since: int
    until: int | None
    values: Row


class _Name(NamedTuple):
    """A name, and the half-open interval of positions in which it is valid."""

    since: int
    until: int
    name: str


class EntryReader:
    """Makes entries of events. It caches names: create one for each reading of the log."""

    def __init__(self, database: Database) -> None:
        """Create a reader.

        Args:
            database: Holds the rows before and after each event.
        """
        self._database = database
        self._names: dict[str, _Name] = {}
        self._revisions: dict[str, dict[tuple[str, int], _Revision]] = {}

    def entries(self, events: Iterable[EventRow]) -> Iterator[HistoryEntry]:
        """One entry per event, in the same order."""
        events = iter(events)
        while page := [*islice(events, PAGE)]:
            yield from self.page(page)

    def page(self, events: Sequence[EventRow]) -> list[HistoryEntry]:
        """One entry per event of a page, in the same order."""
        by_topic: dict[str, list[EventRow]] = {}
        for event in events:
            by_topic.setdefault(aggregate_topic(event.topic), []).append(event)
        changes: dict[int, list[Change]] = {}
        states = {event.position: state_of(event) for event in events}
        for topic, group in by_topic.items():
            model = readable_model(self._database, topic)
            if model:
                changes.update(self._revised(model, group))
            else:
                show = _recorded if "." in topic else _shown
                changes.update((event.position, show(states[event.position])) for event in group)
        return [_entry(event, states[event.position], changes[event.position]) for event in events]

    def _revised(
        self, model: ReadModel, events: Sequence[EventRow]
    ) -> Iterator[tuple[int, list[Change]]]:
        """Position → what changed, for aggregates with a row per revision."""
        before, after = self._rows(model, events)
        names = self._names_in(model, before, after)
        for event in events:
            at = event.position
            yield at, row_changes(model, before.get(at), after.get(at), names.get(at, {}))

    def _rows(
        self, model: ReadModel, events: Sequence[EventRow]
    ) -> tuple[dict[int, Row], dict[int, Row]]:
        """Position → the row that an event ended, and position → the row that it began."""
        # The row that one event begins is the one that the next event of the aggregate ends.
        last = self._revisions.get(model.topic, {})
        keys = [(e.originator_id, e.originator_version - back) for e in events for back in (0, 1)]
        known = {key: last[key] for key in keys if key in last}
        self._revisions[model.topic] = known
        read = {*known}
        began, ended = [], []
        for position, _, _, id, revision, *_ in events:
            if (id, revision) not in read:
                read.add((id, revision))
                began.append(position)
        for position, _, _, id, revision, *_ in events:
            if revision > 1 and (id, revision - 1) not in read:
                ended.append(position)
        self._read_rows(model, began, ended, known)
        before: dict[int, Row] = {}
        after: dict[int, Row] = {}
        for position, _, _, id, revision, *_ in events:
            row = known.get((id, revision))
            if row is not None and row.since == position:
                after[position] = row.values
            row = known.get((id, revision - 1))
            if row is not None and row.until == position:
                before[position] = row.values
        return before, after

    def _read_rows(
        self,
        model: ReadModel,
        began: Sequence[int],
        ended: Sequence[int],
        known: dict[tuple[str, int], _Revision],
    ) -> None:
        """Read the rows that began at some positions, and those that ended at others."""
        columns = [*model.describe]
        own = ", r.".join(columns)
        joined = {
            "r.since = e.position": began,
            f"r.until = e.position AND r.since = (SELECT since FROM {model.table} "
            "WHERE id = e.originator_id AND since < e.position ORDER BY since DESC LIMIT 1)": ended,
        }
        # One seek for each event; a condition with OR would read every revision.
        selects = [
            f"SELECT r.id, r.revision, r.since, r.until, r.{own} FROM events AS e "
            f"JOIN {model.table} AS r ON r.id = e.originator_id AND {condition} "
            f"WHERE e.position IN ({marks(positions)})"
            for condition, positions in joined.items()
            if positions
        ]
        if not selects:
            return
        for id, revision, since, until, *values in self._database.read(
            " UNION ALL ".join(selects), [*began, *ended]
        ):
            known[id, revision] = _Revision(since, until, dict(zip(columns, values, strict=True)))

    def _names_in(self, model: ReadModel, *rows: Mapping[int, Row]) -> dict[int, dict[str, str]]:
        """Position → id → name, for the ids in the columns that an event changed.

        No position is both an event of a stack and one of its components, so the names before
        and after an event are the same.
        """
        if model.references is None:
            return {}
        topic, column, ids_of = model.references
        table = table_of(self._database, topic)
        wanted: dict[int, set[str]] = {}
        for at in {at for each in rows for at in each}:
            values = [each[at][column] if at in each else None for each in rows]
            if values[0] != values[-1]:
                found_in = (cell(each) if column in model.json else each for each in values)
                wanted[at] = {id for each in found_in if each is not None for id in ids_of(each)}
        self._learn(table, [(id, at) for at, ids in wanted.items() for id in ids])
        found: dict[int, dict[str, str]] = {}
        unknown = []
        for at, ids in wanted.items():
            found[at] = {}
            for id in ids:
                known = self._names.get(id)
                if known and known.since <= at < known.until:
                    found[at][id] = known.name
                else:
                    unknown.append((id, at))
        # What was renamed within this page is looked up for each position.
        for (id, at), name in self._looked_up(table, unknown):
            found[at][id] = name.name
        return found

    def _learn(self, table: str, wanted: Sequence[tuple[str, int]]) -> None:
        """Cache a name, as of one of its positions, for each id without a valid one."""
        missing = {}
        for id, at in wanted:
            known = self._names.get(id)
            if known is None or not known.since <= at < known.until:
                missing[id] = at
        for (id, _), name in self._looked_up(table, [*missing.items()]):
            self._names[id] = name

    def _looked_up(
        self, table: str, wanted: Sequence[tuple[str, int]]
    ) -> Iterator[tuple[tuple[str, int], _Name]]:
        """The names of ids at positions, or the last ones before them."""
        for begin in range(0, len(wanted), _AT_ONCE):
            part = wanted[begin : begin + _AT_ONCE]
            rows = self._database.read(
                f"WITH wanted (id, at) AS (VALUES {', '.join('(?, ?)' for _ in part)}) "
                f"SELECT w.id, w.at, t.since, t.name, (SELECT min(since) FROM {table} "
                "WHERE id = w.id AND since > w.at) "
                f"FROM wanted AS w JOIN {table} AS t ON t.id = w.id AND t.since = "
                f"(SELECT max(since) FROM {table} WHERE id = w.id AND since <= w.at)",
                [value for pair in part for value in pair],
            )
            names = {(id, at): _Name(since, end or _END, name) for id, at, since, name, end in rows}
            for id, at in part:
                # Read models that were tampered with may have none.
                yield (id, at), names.get((id, at), _Name(at, at + 1, id))


_END = 2**63 - 1

_decode = json.JSONDecoder().raw_decode


def state_of(event: EventRow) -> Mapping[str, Any]:
    """The fields of an event; none if they are damaged, since the rest can still be shown."""
    try:
        state = _decode(event.state.decode())[0]
    except ValueError:
        state = None
    return state if isinstance(state, dict) else {}


def _shown(state: Mapping[str, Any]) -> list[Change]:
    """The fields of an event of an aggregate without a row per revision."""
    return [Change(field, None, state[field]) for field in _SHOWN if field in state]


def _recorded(state: Mapping[str, Any]) -> list[Change]:
    """The fields of an event of another package, which may not be installed."""
    return [Change(field, None, state[field]) for field in state if field not in _NO_DATA]


def _text(state: Mapping[str, Any], field: str) -> str | None:
    return str(state[field]) if field in state else None


def _entry(event: EventRow, state: Mapping[str, Any], changes: list[Change]) -> HistoryEntry:
    return HistoryEntry(
        event.position,
        event.change,
        event.recorded_at,
        str(state.get("by", "")),
        str(state.get("why", "")),
        aggregate_topic(event.topic) if event.kind is None else str(event.kind),
        event.originator_id if event.name is None else str(event.name),
        event.originator_id,
        event.originator_version,
        event.topic.rpartition(".")[2].replace("_", " "),
        changes,
        _text(state, "correlation_id"),
        _text(state, "database_role"),
        _text(state, "package"),
    )
