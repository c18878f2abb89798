"""Reading the past: plain SQL over the log and the temporal read models."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

from stackfold.application.differences import component_fields, differences, stack_fields
from stackfold.application.queries import Reference, Revision
from stackfold.application.views import Change, HistoryEntry, LogFilter
from stackfold.domain.component_type import ComponentType
from stackfold.domain.errors import NotFound
from stackfold.infrastructure.database import Database
from stackfold.infrastructure.text import normal

_EVENTS = (
    "SELECT position, change, recorded_at, originator_id, originator_version, topic, state "
    "FROM events"
)
_ROWS = {
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


class _Event(NamedTuple):
    position: int
    change: int
    recorded_at: str
    originator_id: str
    originator_version: int
    topic: str
    state: bytes


class SqlHistory:
    """What was done, by whom, and why."""

    def __init__(self, database: Database) -> None:
        """Read the log in `database`."""
        self._database = database

    def log(self, wanted: LogFilter) -> Iterator[HistoryEntry]:
        """The part of the log that a filter asks for."""
        clauses = ["position > ?"]
        parameters: list[Any] = [wanted.after]
        for clause, value in (
            ("position <= ?", wanted.upto),
            ("recorded_at >= ?", wanted.since),
            ("recorded_at <= ?", wanted.until),
        ):
            if value is not None:
                clauses.append(clause)
                parameters.append(value)
        found = 0
        for event in self._pages(" AND ".join(clauses), parameters, wanted.newest_first):
            if found == wanted.limit:
                return
            entry = self._entry(event)
            if (
                wanted.by in (None, entry.by)
                and wanted.kind in (None, entry.kind)
                and wanted.name in (None, entry.name)
            ):
                found += 1
                yield entry

    def at(self, positions: Sequence[int]) -> list[HistoryEntry]:
        """The events at these positions."""
        events = (self._events("position = ?", [position]) for position in positions)
        return [self._entry(event) for found in events for event in found]

    def of(self, id: str, limit: int | None = None) -> list[HistoryEntry]:
        """What happened to one stack, component, flavor or run, newest first; at most so much."""
        events = self._events(
            "originator_id = ? ORDER BY originator_version DESC LIMIT ?", [id, _most(limit)]
        )
        return [self._entry(event) for event in events]

    def of_stack(self, id: str, limit: int | None = None) -> list[HistoryEntry]:
        """The same for a stack, with what happened to its components while it held them."""
        return self.at([*islice(self._positions_of_stack(id, _most(limit)), _most(limit))])

    # -- what reverting needs to know

    def find(
        self,
        kind: str,
        reference: str,
        type: ComponentType | None = None,
        deleted: bool = False,
    ) -> Reference:
        """Something by name or id, whether it is there or was deleted; see `History.find`.

        Raises:
            NotFound: There never was one.
        """
        table, _ = _ROWS[kind]
        reference = normal(reference)
        # What was deleted is true in no later row than the one that its deletion ended.
        order = (
            "(until IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {0} AS later "
            "WHERE later.id = {0}.id AND later.since >= {0}.until)) DESC, "
        )
        rows = self._database.read(
            f"SELECT id, name FROM {table} WHERE (name = ? OR id = ?)"
            f"{' AND type = ?' if type else ''} ORDER BY {order.format(table) if deleted else ''}"
            "until IS NULL DESC, since DESC LIMIT 1",
            [reference, reference, *([type.value] if type else [])],
        )
        if not rows:
            raise NotFound(type.noun if type else kind, reference, "there never was one")
        return Reference(*rows[0])

    def deleted(self, kind: str, type: ComponentType | None = None) -> list[Reference]:
        """What was deleted, under the name that it had last; for a component, of a type."""
        table, _ = _ROWS[kind]
        rows = self._database.read(
            f"SELECT id, name FROM {table} AS t WHERE until IS NOT NULL"
            f"{' AND type = ?' if type else ''} AND NOT EXISTS (SELECT 1 FROM {table} AS later "
            "WHERE later.id = t.id AND later.since >= t.until) ORDER BY name",
            [type.value] if type else [],
        )
        return [Reference(*row) for row in rows]

    def revision(self, kind: str, id: str, position: int) -> Revision | None:
        """The revision of something that was true at a position; None if it was not there."""
        table, _ = _ROWS[kind]
        rows = self._database.read(
            f"SELECT revision, since FROM {table} WHERE id = ? AND since <= ? "
            "AND (until IS NULL OR until > ?) ORDER BY since DESC LIMIT 1",
            [id, position, position],
        )
        return Revision(*rows[0]) if rows else None

    def revisions(self, id: str) -> list[Revision]:
        """Every revision of something with its position, oldest first."""
        rows = self._database.read(
            "SELECT originator_version, position FROM events WHERE originator_id = ? "
            "ORDER BY originator_version",
            [id],
        )
        return [Revision(*row) for row in rows]

    def changes(self) -> Iterator[tuple[int, int | None, list[tuple[str, str, int]]]]:
        """Every change of configuration, newest first.

        Yields:
            Its number, the number of the change that it took back if it took one back, and its
            events as (aggregate's topic, id, revision), newest first. Runs change nothing; what
            was done to deployments is told too.
        """
        found = self._pages("substr(topic, 1, 4) <> 'run.'", [], newest_first=True)
        for number, group in groupby(found, key=lambda event: event.change):
            events = [*group]
            yield (
                number,
                _state(events[0]).get("undoes"),
                [
                    (event.topic.partition(".")[0], event.originator_id, event.originator_version)
                    for event in events
                ],
            )

    # -- how it is done

    def _positions_of_stack(self, id: str, most: int) -> Iterator[int]:
        """Where a stack was changed, or a component while the stack held it; newest first."""
        until = _END
        for position in self._positions_of(id):
            rows = self._database.read(
                "SELECT components FROM stacks WHERE id = ? AND since = ?", [id, position]
            )
            held = [each for row in rows for ids in json.loads(row[0]).values() for each in ids]
            during: list[int] = []
            for component in held:
                changed = self._database.read(
                    "SELECT since FROM components WHERE id = ? AND since > ? AND since < ? "
                    "ORDER BY since DESC LIMIT ?",
                    [component, position, until, most],
                )
                during += [since for (since,) in changed]
            yield from sorted(during, reverse=True)
            yield position
            until = position

    def _positions_of(self, id: str) -> Iterator[int]:
        """Where something was changed, newest first."""
        last = _END
        while page := self._database.read(
            "SELECT originator_version, position FROM events WHERE originator_id = ? "
            f"AND originator_version < ? ORDER BY originator_version DESC LIMIT {_PAGE}",
            [id, last],
        ):
            yield from (position for _, position in page)
            last, _ = page[-1]

    def _events(self, where: str, parameters: Sequence[Any]) -> list[_Event]:
        return [_Event(*row) for row in self._database.read(f"{_EVENTS} WHERE {where}", parameters)]

    def _pages(self, where: str, parameters: Sequence[Any], newest_first: bool) -> Iterator[_Event]:
        """Events by position, read a page at a time, so that nobody waits for the reader."""
        order, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
        last = _END if newest_first else 0
        while page := self._events(
            f"{where} AND position {beyond} ? ORDER BY position {order} LIMIT {_PAGE}",
            [*parameters, last],
        ):
            yield from page
            last = page[-1].position

    def _entry(self, event: _Event) -> HistoryEntry:
        topic, _, action = event.topic.partition(".")
        state = _state(event)
        kind, name, changes = (
            self._revised(topic, event) if topic in _ROWS else self._happened(topic, state, event)
        )
        return HistoryEntry(
            position=event.position,
            change=event.change,
            when=event.recorded_at,
            by=str(state.get("by", "")),
            why=str(state.get("why", "")),
            kind=kind,
            name=name,
            id=event.originator_id,
            revision=event.originator_version,
            action=action.replace("_", " "),
            changes=changes,
        )

    def _revised(self, topic: str, event: _Event) -> tuple[str, str, list[Change]]:
        table, columns = _ROWS[topic]
        rows = self._database.read(
            f"SELECT since, until, {columns} FROM {table} WHERE id = ? AND since <= ? "
            "ORDER BY since DESC LIMIT 2",
            [event.originator_id, event.position],
        )
        after = next((row[2:] for row in rows if row[0] == event.position), None)
        before = next((row[2:] for row in rows if row[1] == event.position), None)
        names = columns.split(", ")
        old = dict(zip(names, before, strict=True)) if before else {}
        new = dict(zip(names, after, strict=True)) if after else {}
        known = new or old
        kind = str(known.get("type", topic)) if topic == "component" else topic
        name = str(known.get("name") or known.get("scope") or event.originator_id)
        fields = (
            self._fields(topic, old, event.position - 1),
            self._fields(topic, new, event.position),
        )
        return kind, name, differences(*fields)

    def _happened(
        self, topic: str, state: Mapping[str, Any], event: _Event
    ) -> tuple[str, str, list[Change]]:
        """What an event of a run, which changes no configuration, tells."""
        told = ("name", "pipeline", "step", "error")
        changes = [Change(field, None, state[field]) for field in told if field in state]
        return topic, self._run_name(event.originator_id), changes

    def _run_name(self, id: str) -> str:
        """What a run is called, or was if it was deleted."""
        if runs := self._database.read("SELECT name FROM runs WHERE id = ?", [id]):
            return str(runs[0][0])
        first = self._events("originator_id = ? AND originator_version = 1", [id])
        return str(_state(first[0]).get("name", id)) if first else id

    def _fields(self, topic: str, row: Mapping[str, Any], position: int) -> dict[str, Any]:
        if not row:
            return {}
        match topic:
            case "stack":
                ids = json.loads(row["components"])
                names = self._names(
                    "components", (id for held in ids.values() for id in held), position
                )
                components = {type: [names[id] for id in held] for type, held in ids.items()}
                return stack_fields(
                    row["name"], row["description"], json.loads(row["labels"]), components
                )
            case "component":
                return component_fields(
                    row["name"],
                    row["flavor"],
                    json.loads(row["configuration"]),
                    json.loads(row["labels"]),
                )
            case "activation":
                return {
                    "active stack": self._names("stacks", [row["stack"]], position)[row["stack"]]
                }
            case "deployment":
                told = {**row, "stack_revision": int(row["stack_revision"])}
                return {name: value for name, value in told.items() if value}
        return dict(row)

    def _names(self, table: str, ids: Iterable[str], position: int) -> dict[str, str]:
        """What things were called at a position, or last before it."""
        names = {}
        for id in ids:
            rows = self._database.read(
                f"SELECT name FROM {table} WHERE id = ? AND since <= ? ORDER BY since DESC LIMIT 1",
                [id, position],
            )
            # In read models that were tampered with there may be none.
            names[id] = rows[0][0] if rows else id
        return names


_END = 2**63 - 1
_PAGE = 200


def _state(event: _Event) -> Mapping[str, Any]:
    """An event's fields; none where they were damaged, for the rest can still be told."""
    try:
        state = json.loads(event.state)
    except ValueError:
        state = None
    return state if isinstance(state, dict) else {}


def _most(limit: int | None) -> int:
    return _END if limit is None else limit
