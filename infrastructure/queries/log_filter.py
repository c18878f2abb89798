"""The part of the log that a filter asks for, in SQL that an index answers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.history.views import Detail, LogFilter
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks
from stackfold.infrastructure.queries.text import encodable, normal

_END = 2**63 - 1

CHANGES = " AND substr(e.topic, 1, 4) <> 'run.'"
"""The condition of the partial index `events_of_configuration`."""

_DETAIL: Mapping[Detail, str] = {
    "changes": CHANGES,
    "runs": " AND substr(e.topic, 1, 8) <> 'run.step'",
    "all": "",
}


class Selection(NamedTuple):
    """The events that are read."""

    source: str = (
        "FROM events AS e LEFT JOIN log_entries AS n ON n.position = e.position WHERE true"
    )
    """FROM and WHERE, with the events as `e` and their entries in the log index as `n`."""
    parameters: tuple[Any, ...] = ()
    position: str = "e.position"
    """The column that the position is compared and sorted by."""
    after: int = 0
    """Only positions after this one."""
    upto: int = _END
    """Only positions up to this one."""


def selection(database: Database, wanted: LogFilter) -> Selection:
    """The events that a filter asks for."""
    after, upto = _range(database, wanted)
    clauses: list[str] = []
    parameters: list[str] = []
    if wanted.name is not None:
        clauses.append("n.name = ?")
        parameters.append(normal(wanted.name))
    # Only the name has an index, since it has fewer events than a kind or an author.
    if wanted.kinds:
        clauses.append(f"n.kind IN ({marks(wanted.kinds)})")
        parameters += map(encodable, wanted.kinds)
    if wanted.by is not None:
        by = encodable(wanted.by)
        if "@" in by:
            clauses.append("n.by = ?")
            parameters.append(by)
        else:
            clauses.append("(n.by = ? OR substr(n.by, 1, length(?)) = ?)")
            parameters += [by, f"{by}@", f"{by}@"]
    detail = _DETAIL[wanted.detail]
    if not clauses:
        return Selection(f"{Selection().source}{detail}", after=after, upto=upto)
    source = (
        # SQLite reads the tables of a CROSS JOIN in this order: the log index first.
        "FROM log_entries AS n CROSS JOIN events AS e WHERE e.position = n.position "
        f"AND {' AND '.join(clauses)}{detail}"
    )
    return Selection(source, tuple(parameters), "n.position", after, upto)


def _range(database: Database, wanted: LogFilter) -> tuple[int, int]:
    after = wanted.after
    upto = _END if wanted.upto is None else wanted.upto
    if wanted.since is not None:
        first = _one(database, "recorded_at >= ? ORDER BY recorded_at, position", wanted.since)
        after = max(after, _END if first is None else first - 1)
    if wanted.until is not None:
        last = _one(
            database, "recorded_at <= ? ORDER BY recorded_at DESC, position DESC", wanted.until
        )
        upto = min(upto, 0 if last is None else last)
    return after, upto


def _one(database: Database, where: str, time: str) -> int | None:
    rows = database.read(f"SELECT position FROM events WHERE {where} LIMIT 1", (time,))
    return int(rows[0][0]) if rows else None
