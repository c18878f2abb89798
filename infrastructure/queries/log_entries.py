"""What events changed, told a page at a time: a few queries for many events."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.cells import mapping
from stackfold.application.history.row_changes import row_changes
from stackfold.application.stacks.views import Change, HistoryEntry
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks

EVENTS = (
    "SELECT position, change, recorded_at, originator_id, originator_version, topic, state "
    "FROM events"
)
ROWS = {
    "stack": ("stacks", "name, description, labels, components"),
    "component": ("components", "type, name, flavor, configuration, labels"),
    "flavor": ("flavors", "type, name, source, summary"),
    "activation": ("activations", "scope, stack"),
    "deployment": (
        "deployments",
        "name, model, stack, stack_revision, deployer, status, url, error",
    ),
}
"""First word of a topic → its table, and the columns that tell what changed."""

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
        self._revisions: dict[str, dict[tuple[str, int], Sequence[Any]]] = {}

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
            if topic in ROWS:
                described.update(self._revised(topic, group))
            else:
                described.update(self._happened(topic, group, states))
        return [
            _entry(event, states[event.position], described[event.position]) for event in events
        ]

    # -- what has a row per revision

    def _revised(
        self, topic: str, events: Sequence[Event]
    ) -> Iterator[tuple[int, tuple[str, str, list[Change]]]]:
        columns = ROWS[topic][1].split(", ")
        named = columns.index("scope" if topic == "activation" else "name")
        before, after = self._rows(topic, events)
        names = self._names_in(topic, columns, before, after)
        for event in events:
            at = event.position
            old, new = before.get(at), after.get(at)
            row = new or old
            kind = str(row[0]) if row and topic == "component" else topic
            name = str((row and row[named]) or event.originator_id)
            yield at, (kind, name, row_changes(topic, columns, old, new, names.get(at, {})))

    def _rows(
        self, topic: str, events: Sequence[Event]
    ) -> tuple[dict[int, Sequence[Any]], dict[int, Sequence[Any]]]:
        """Position → the row that was true until then, and the one that is true since then."""
        # What one event leaves behind, the next one of the same thing finds.
        last = self._revisions.get(topic, {})
        keys = [(e.originator_id, e.originator_version - back) for e in events for back in (0, 1)]
        known = {key: last[key] for key in keys if key in last}
        self._revisions[topic] = known
        missing = [e for e in events if (e.originator_id, e.originator_version) not in known]
        self._read_rows(topic, "r.since = e.position", missing, known)
        missing = [
            e
            for e in events
            if e.originator_version > 1 and (e.originator_id, e.originator_version - 1) not in known
        ]
        until = (
            f"r.until = e.position AND r.since = (SELECT since FROM {ROWS[topic][0]} "
            "WHERE id = e.originator_id AND since < e.position ORDER BY since DESC LIMIT 1)"
        )
        self._read_rows(topic, until, missing, known)
        before: dict[int, Sequence[Any]] = {}
        after: dict[int, Sequence[Any]] = {}
        for position, _, _, id, revision, *_ in events:
            row = known.get((id, revision))
            if row is not None and row[_SINCE] == position:
                after[position] = row[_OWN:]
            row = known.get((id, revision - 1))
            if row is not None and row[_UNTIL] == position:
                before[position] = row[_OWN:]
        return before, after

    def _read_rows(
        self,
        topic: str,
        joined: str,
        events: Sequence[Event],
        known: dict[tuple[str, int], Sequence[Any]],
    ) -> None:
        if not events:
            return
        table, columns = ROWS[topic]
        own = ", ".join(f"r.{column}" for column in columns.split(", "))
        # One seek each; with OR it would be a look at every revision.
        for row in self._database.read(
            f"SELECT r.id, r.revision, r.since, r.until, {own} FROM events AS e JOIN {table} AS r "
            f"ON r.id = e.originator_id AND {joined} WHERE e.position IN ({marks(events)})",
            [event.position for event in events],
        ):
            known[row[0], row[1]] = row

    def _names_in(
        self, topic: str, columns: Sequence[str], *rows: Mapping[int, Sequence[Any]]
    ) -> dict[int, dict[str, str]]:
        """Position → id → name, for the things that rows refer to by their ids and that differ.

        No position is both an event of a stack and one of its components, so the names before
        and after an event are the same.
        """
        if topic not in _REFERRED:
            return {}
        table, column = _REFERRED[topic]
        number = columns.index(column)
        wanted: dict[int, set[str]] = {}
        for at in {at for each in rows for at in each}:
            texts = {each[at][number] for each in rows if at in each}
            if len(texts) == 1 and all(at in each for each in rows):
                continue
            wanted[at] = {
                id
                for text in texts
                for id in (
                    [text] if topic == "activation" else chain.from_iterable(mapping(text).values())
                )
            }
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


_SINCE, _UNTIL, _OWN = 2, 3, 4
"""Where in a row of `_read_rows` is what."""

_REFERRED = {"stack": ("components", "components"), "activation": ("stacks", "stack")}
"""First word of a topic → the table that its rows refer to, and the column that does."""
