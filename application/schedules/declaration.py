"""Declares schedules: how events change the read model."""

from datetime import datetime
from typing import Any

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.application.schedules import rows
from stackfold.application.schedules.rows import ScheduleRow
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.domain.schedules.plan import Plan
from stackfold.domain.schedules.schedule import Schedule, later


def apply_to_schedule(row: ScheduleRow | None, event: Schedule.Event) -> ScheduleRow | None:
    """The row of a schedule after an event."""
    now = to_rfc3339(event.timestamp)
    match event, row:
        case Schedule.Created(), None:
            return _row(event, now)
        case Schedule.Restored(), None:
            return _row(event, now)
        case Schedule.Reverted(), ScheduleRow():
            return _row(event, now)
        case Schedule.Updated(), ScheduleRow():
            changed = row._replace(**_of_plan(event.plan))
            moved = _when(changed) != _when(row)
            return changed._replace(accounted=now if moved else row.accounted)
        case Schedule.Renamed(), ScheduleRow():
            return row._replace(name=event.name)
        case Schedule.Paused(), ScheduleRow():
            return row._replace(state="paused")
        case Schedule.Resumed(), ScheduleRow():
            return row._replace(state="enabled", accounted=now)
        case Schedule.Passed(), ScheduleRow():
            fields = ("reason", "first", "last", "count", "error")
            passed = {name: getattr(event, name) for name in fields}
            return row._replace(passed=passed, accounted=later(row.accounted, event.last))
        case Schedule.Deleted(), ScheduleRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _row(event: Schedule.Created | Schedule.Reverted, now: str) -> ScheduleRow:
    return ScheduleRow(
        name=event.name,
        **_of_plan(event.plan),
        state="paused" if event.paused else "enabled",
        accounted=now,
        passed=None,
    )


def _of_plan(plan: Plan) -> dict[str, Any]:
    return {
        **{name: getattr(plan, name) for name in _AS_IT_IS},
        **{name: _text(getattr(plan, name)) for name in ("once", "starts", "ends")},
        "reacts_to": plan.trigger.model_dump(mode="json") if plan.trigger else None,
    }


def _text(time: datetime | None) -> str | None:
    return to_rfc3339(time) if time else None


def _when(row: ScheduleRow) -> tuple[Any, ...]:
    return row.cron, row.every, row.once, row.timezone, row.starts, row.ends


_AS_IT_IS = (
    *("source", "import_root", "parameters", "configuration", "stack", "cron", "every"),
    *("timezone", "catch_up", "catch_up_limit", "overlap", "description"),
)

SCHEDULES = AggregateType(
    Schedule,
    projection=TemporalProjection(rows.SCHEDULES, apply_to_schedule),
    revertible=True,
)
