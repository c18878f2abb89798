"""One example of every event on schedules."""

from datetime import UTC, datetime
from typing import Any

from stackfold.domain.schedules.plan import Plan, Trigger
from stackfold.domain.schedules.schedule import Schedule
from stackfold.testing import event

PLAN = Plan.of(
    source="/srv/train.py:größe",
    import_root="/srv",
    parameters={"slope": 2.0, "of": ["a", None]},
    configuration={"tags": ["nightly"]},
    stack="prod",
    cron="0 6 * * 1-5",
    timezone="Europe/Berlin",
    starts=datetime(2026, 1, 1, 5, tzinfo=UTC),
    catch_up="all",
    description="two\nlines",
)
SCHEDULE_FACTS: list[Any] = [
    event(Schedule.Created, name="größe", plan=PLAN, paused=False),
    event(Schedule.Updated, plan=PLAN.but(cron=None, trigger=Trigger(event="model-promoted"))),
    event(Schedule.Renamed, name="nightly"),
    event(Schedule.Paused),
    event(Schedule.Resumed),
    event(
        Schedule.Passed,
        reason="failed",
        first="2026-01-01T05:00:00.000000Z",
        last="2026-01-02T05:00:00.000000Z",
        count=2,
        error="there is no stack 'prod'",
    ),
    event(Schedule.Deleted),
    event(Schedule.Reverted, to_revision=1, name="nightly", plan=PLAN, paused=True),
    event(Schedule.Restored, to_revision=1, name="nightly", plan=PLAN, paused=True),
]
