"""Queries for schedules, in plain SQL."""

import json
from collections.abc import Sequence
from typing import Any

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.schedules.queries import StoredSchedule
from stackfold.application.schedules.rows import SCHEDULES, ScheduleRow
from stackfold.application.schedules.views import OccurrenceView, StartedRun
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lookup import find, valid_at
from stackfold.infrastructure.queries.runs import STATUS

_ENVELOPE = ("revision", "created", "updated", "by")
_LISTED = {
    **{name: f"t.{name}" for name in ("id", "name", "stack", "state", *_ENVELOPE)},
    "pipeline": "t.source",
}
_OUTCOMES = {"missed": "missed", "overlap": "skipped", "failed": "not started"}


class SqlScheduleQueries:
    """Implements `ScheduleQueries`."""

    def __init__(self, database: Database, claims: Claims) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
            claims: Know which runs are being executed.
        """
        self._database = database
        database.define("run_is_claimed", claims.is_claimed)

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        return position_of(self._database, as_of)

    def find(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a schedule."""
        return find(self._database, "schedules", "schedule", "", (), reference, as_of)

    @one_state
    def schedules(self, listing: Listing = ALL, as_of: int | None = None) -> list[StoredSchedule]:
        """The existing schedules that match a listing."""
        wanted = listing_clauses(listing, _LISTED)
        return self._stored(as_of, wanted.where + wanted.tail, wanted.parameters)

    @one_state
    def one(self, id: str, as_of: int | None = None) -> StoredSchedule:
        """The schedule with an id."""
        (found,) = self._stored(as_of, " AND t.id = ?", [id])
        return found

    def runs(self, id: str, limit: int) -> Sequence[StartedRun]:
        """The latest runs that a schedule has started."""
        rows = self._database.read(
            f"SELECT o.time, o.run, t.name, CASE WHEN t.id IS NOT NULL THEN {STATUS} END, "
            "t.started, t.ended FROM scheduled_runs AS o LEFT JOIN runs AS t ON t.id = o.run "
            "WHERE o.schedule = ? ORDER BY o.position DESC LIMIT ?",
            [id, limit],
        )
        return [StartedRun._make(row) for row in rows]

    def without_run(self, id: str, limit: int) -> Sequence[OccurrenceView]:
        """The latest times without a run of a schedule."""
        rows = self._database.read(
            "SELECT state FROM events WHERE originator_id = ? AND topic = 'schedule.passed' "
            "ORDER BY originator_version DESC LIMIT ?",
            [id, limit],
        )
        return [_without_run(json.loads(bytes(state))) for (state,) in rows]

    def was_started(self, id: str, time: str) -> bool:
        """Whether a run was started for a time of a schedule."""
        return bool(
            self._database.read(
                "SELECT 1 FROM scheduled_runs WHERE schedule = ? AND time = ?", [id, time]
            )
        )

    def _stored(self, as_of: int | None, rest: str, values: Sequence[Any]) -> list[StoredSchedule]:
        source, parameters = valid_at("schedules", as_of)
        until = "" if as_of is None else f" AND o.position <= {int(as_of)}"
        last = (
            "(SELECT {column} FROM scheduled_runs AS o {join}WHERE o.schedule = t.id "
            f"AND substr(o.time, 1, 1) <> '#'{until} ORDER BY o.time DESC LIMIT 1)"
        )
        run = last.format(column="r.name", join="LEFT JOIN runs AS r ON r.id = o.run ")
        columns = ", ".join(f"t.{each}" for each in (*_ENVELOPE, *SCHEDULES.columns))
        rows = self._database.read(
            f"SELECT t.id, {last.format(column='o.time', join='')}, {run}, {columns} "
            f"{source}{rest}",
            [*parameters, *values],
        )
        return [_schedule(row) for row in rows]


def _schedule(row: Sequence[Any]) -> StoredSchedule:
    id, last, last_run, revision, created, updated, by, *values = row
    read = [
        cell(value) if column in SCHEDULES.json else value
        for column, value in zip(SCHEDULES.columns, values, strict=True)
    ]
    return StoredSchedule(id, ScheduleRow(*read), revision, created, updated, by, last, last_run)


def _without_run(event: dict[str, Any]) -> OccurrenceView:
    outcome = _OUTCOMES[event["reason"]]
    first, last, count = event["first"], event["last"], event["count"]
    return OccurrenceView(first, outcome, None, count, last, event.get("error", ""))
