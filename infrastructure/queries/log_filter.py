"""What a filter of the log means in SQL, so that what cannot match is never read.

A condition may let through what does not match (a person's name inside of a configuration, the
events of a stack before it was renamed): entries are compared with the filter once more.
"""

import json
from typing import Any, NamedTuple

from stackfold.application.history.views import LogFilter
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks
from stackfold.infrastructure.queries.text import normal

_MOST_IDS = 500
"""How many ids a statement is given; of more, the entries themselves are compared."""


class Condition(NamedTuple):
    """Which events are read."""

    clauses: tuple[str, ...] = ()
    parameters: tuple[Any, ...] = ()
    after: int = 0
    """Only positions after this one."""
    upto: int | None = None
    """Only positions up to this one; None for all."""


NOTHING = Condition(("1 = 0",), (), 0, 0)


def condition(database: Database, wanted: LogFilter) -> Condition:
    """What a filter means for the rows of the log in a database."""
    after, upto = wanted.after, wanted.upto
    clauses: list[str] = []
    parameters: list[Any] = []
    if wanted.since is not None:
        clauses.append("recorded_at >= ?")
        parameters.append(wanted.since)
        first = _one(database, "recorded_at >= ? ORDER BY recorded_at, position", wanted.since)
        if first is None:
            return NOTHING
        after = max(after, first - 1)
    if wanted.until is not None:
        clauses.append("recorded_at <= ?")
        parameters.append(wanted.until)
        last = _one(
            database, "recorded_at <= ? ORDER BY recorded_at DESC, position DESC", wanted.until
        )
        if last is None:
            return NOTHING
        upto = last if upto is None else min(upto, last)
    if wanted.by:
        clauses.append(database.contains("state"))
        parameters.append(_field("by", wanted.by))
    if wanted.kind is not None:
        if wanted.kind in tuple(ComponentType):
            clauses.append(
                "EXISTS (SELECT 1 FROM components WHERE id = originator_id AND type = ?)"
            )
            parameters.append(str(wanted.kind))
        else:
            clauses.append("topic >= ? AND topic < ?")
            parameters += [f"{normal(wanted.kind)}.", f"{normal(wanted.kind)}/"]
    if wanted.name is not None:
        ids = _called(database, normal(wanted.name))
        if len(ids) <= _MOST_IDS:
            # As an expression, so that the log is read by position and not by id, then sorted.
            clauses.append(f"originator_id || '' IN ({marks(ids)})")
            parameters += ids
    return Condition(tuple(clauses), tuple(parameters), after, upto)


def _one(database: Database, where: str, time: str) -> int | None:
    rows = database.read(f"SELECT position FROM events WHERE {where} LIMIT 1", (time,))
    return int(rows[0][0]) if rows else None


def _called(database: Database, name: str) -> list[str]:
    """The ids of everything that was ever called so; one more than are used at most."""
    named = [
        f"SELECT id FROM {model.table} WHERE {model.name} = ?"
        for model in database.aggregates.read_models()
    ]
    # What was deleted for good is known to its first event only.
    gone = (
        "SELECT originator_id FROM events AS e WHERE topic = 'run.started' "
        f"AND {database.contains('state')} "
        "AND NOT EXISTS (SELECT 1 FROM runs WHERE id = e.originator_id)"
    )
    by_id = "SELECT originator_id FROM events WHERE originator_id = ?"
    rows = database.read(
        f"SELECT DISTINCT id FROM ({' UNION ALL '.join([*named, _RUNS, gone, by_id])}) AS found "
        f"LIMIT {_MOST_IDS + 1}",
        [*[name] * len(named), name, _field("name", name), name],
    )
    return [id for (id,) in rows]


def _field(name: str, text: str) -> bytes:
    """A field as it stands in an event's canonical JSON; what cannot be in one is in none."""
    return f'"{name}":{json.dumps(text, ensure_ascii=False)}'.encode(errors="replace")


_RUNS = "SELECT id FROM runs WHERE name = ?"
