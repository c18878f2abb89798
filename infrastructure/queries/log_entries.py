"""What events changed, told a page at a time: a few queries for many events."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.history.row_changes import row_changes
from stackfold.application.history.views import Change, HistoryEntry
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks

EVENTS = (
    "SELECT position, change, recorded_at, originator_id, originator_version, topic, state "
    "FROM events"
)
PAGE = 200
"""How many events are read at a time."""

_AT_ONCE = 500
"""How many names are looked up by one statement."""

_TOLD = ("name", "pipeline", "step", "error")
"""The fields of a run's events that tell what happened."""


class Event(NamedTuple):
    """A row of the log."""

    position: int
    change: int
    recorded_at: str
    originator_id: str
    originator_version: int
    topic: str
    state: bytes


Row = Mapping[str, Any]
"""Column → stored value, for one revision."""


class _Revision(NamedTuple):
    since: int
    until: int | None
    values: Row


class _Name(NamedTuple):
    """What something is called, and the positions between which it is."""

    since: int
    until: int
    name: str


class EntryReader:
    """Tells what events changed; it remembers names, so use one for one reading of the log."""

    def __init__(self, database: Database) -> None:
        """Look up in `database` what was true before and after each event."""
        self._database = database
        self._names: dict[str, _Name] = {}
        self._runs: dict[str, str] = {}
        self._revisions: dict[str, dict[tuple[str, int], _Revision]] = {}

    def entries(self, events: Iterable[Event]) -> Iterator[HistoryEntry]:
        """One entry per event, in the same order."""
        events = iter(events)
        while page := [*islice(events, PAGE)]:
            yield from self.page(page)

    def page(self, events: Sequence[Event]) -> list[HistoryEntry]:
        """One entry per event; for one page, whose events share their queries."""
        by_topic: dict[str, list[Event]] = {}
        for event in events:
            by_topic.setdefault(event.topic.partition(".")[0], []).append(event)
        described: dict[int, tuple[str, str, list[Change]]] = {}
        states = {event.position: state_of(event) for event in events}
        for topic, group in by_topic.items():
            model = self._database.aggregates.read_model(topic)
            if model:
                described.update(self._revised(model, group))
            else:
                described.update(self._happened(topic, group, states))
        return [
            _entry(event, states[event.position], described[event.position]) for event in events
        ]

    # -- what has a row per revision

    def _revised(
        self, model: ReadModel, events: Sequence[Event]
    ) -> Iterator[tuple[int, tuple[str, str, list[Change]]]]:
        before, after = self._rows(model, events)
        names = self._names_in(model, before, after)
        for event in events:
            at = event.position
            old, new = before.get(at), after.get(at)
            row = new or old or {}
            kind = str(row.get(model.kind, model.topic)) if model.kind else model.topic
            name = str(row.get(model.name) or event.originator_id)
            yield at, (kind, name, row_changes(model, old, new, names.get(at, {})))

    def _rows(
        self, model: ReadModel, events: Sequence[Event]
    ) -> tuple[dict[int, Row], dict[int, Row]]:
        """Position → the row that was true until then, and the one that is true since then."""
        # What one event leaves behind, the next one of the same thing finds.
        last = self._revisions.get(model.topic, {})
        keys = [(e.originator_id, e.originator_version - back) for e in events for back in (0, 1)]
        known = {key: last[key] for key in keys if key in last}
        self._revisions[model.topic] = known
        missing = [e for e in events if (e.originator_id, e.originator_version) not in known]
        self._read_rows(model, "r.since = e.position", missing, known)
        missing = [
            e
            for e in events
            if e.originator_version > 1 and (e.originator_id, e.originator_version - 1) not in known
        ]
        until = (
            f"r.until = e.position AND r.since = (SELECT since FROM {model.table} "
            "WHERE id = e.originator_id AND since < e.position ORDER BY since DESC LIMIT 1)"
        )
        self._read_rows(model, until, missing, known)
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
        joined: str,
        events: Sequence[Event],
        known: dict[tuple[str, int], _Revision],
    ) -> None:
        if not events:
            return
        shown = {*model.describe, model.name, model.kind}
        columns = [each for each in model.columns if each in shown]
        own = ", ".join(f"r.{column}" for column in columns)
        # One seek each; with OR it would be a look at every revision.
        for id, revision, since, until, *values in self._database.read(
            f"SELECT r.id, r.revision, r.since, r.until, {own} FROM events AS e "
            f"JOIN {model.table} AS r ON r.id = e.originator_id AND {joined} "
            f"WHERE e.position IN ({marks(events)})",
            [event.position for event in events],
        ):
            known[id, revision] = _Revision(since, until, dict(zip(columns, values, strict=True)))

    def _names_in(self, model: ReadModel, *rows: Mapping[int, Row]) -> dict[int, dict[str, str]]:
        """Position → id → name, for the things that rows refer to by their ids and that differ.

        No position is both an event of a stack and one of its components, so the names before
        and after an event are the same.
        """
        if model.references is None:
            return {}
        table, column, ids_of = model.references
        wanted: dict[int, set[str]] = {}
        for at in {at for each in rows for at in each}:
            values = [each[at][column] if at in each else None for each in rows]
            if values[0] != values[-1]:
                held = (cell(each or "{}") if column in model.json else each for each in values)
                wanted[at] = {id for each in held if each is not None for id in ids_of(each)}
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
        # Something was renamed within this page: its names are looked up for each position.
        for (id, at), name in self._looked_up(table, unknown):
            found[at][id] = name.name
        return found

    def _learn(self, table: str, wanted: Sequence[tuple[str, int]]) -> None:
        """Remember a name for each id that has none that holds, as of one of its positions."""
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
        """What things were called at positions, or last before them."""
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
                # In read models that were tampered with there may be none.
                yield (id, at), names.get((id, at), _Name(at, at + 1, id))

    # -- what has a row per fact

    def _happened(
        self, topic: str, events: Sequence[Event], states: Mapping[int, Mapping[str, Any]]
    ) -> Iterator[tuple[int, tuple[str, str, list[Change]]]]:
        """What events of runs, which change no configuration, tell."""
        self._learn_runs({event.originator_id for event in events} - self._runs.keys())
        for event in events:
            state = states[event.position]
            changes = [Change(field, None, state[field]) for field in _TOLD if field in state]
            yield event.position, (topic, self._runs[event.originator_id], changes)

    def _learn_runs(self, wanted: set[str]) -> None:
        """Remember what runs are called, or were if they were deleted."""
        if not wanted:
            return
        ids = sorted(wanted)
        rows = self._database.read(f"SELECT id, name FROM runs WHERE id IN ({marks(ids)})", ids)
        self._runs.update(rows)
        gone = [id for id in ids if id not in self._runs]
        if not gone:
            return
        self._runs.update((id, id) for id in gone)
        for row in self._database.read(
            f"{EVENTS} WHERE originator_version = 1 AND originator_id IN ({marks(gone)})", gone
        ):
            first = Event(*row)
            self._runs[first.originator_id] = str(state_of(first).get("name", first.originator_id))


_END = 2**63 - 1

_decode = json.JSONDecoder().raw_decode


def state_of(event: Event) -> Mapping[str, Any]:
    """An event's fields; none where they were damaged, for the rest can still be told."""
    try:
        state = _decode(event.state.decode())[0]
    except ValueError:
        state = None
    return state if isinstance(state, dict) else {}


def _entry(
    event: Event, state: Mapping[str, Any], described: tuple[str, str, list[Change]]
) -> HistoryEntry:
    kind, name, changes = described
    return HistoryEntry(
        event.position,
        event.change,
        event.recorded_at,
        str(state.get("by", "")),
        str(state.get("why", "")),
        kind,
        name,
        event.originator_id,
        event.originator_version,
        event.topic.partition(".")[2].replace("_", " "),
        changes,
    )
