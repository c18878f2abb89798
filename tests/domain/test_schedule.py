"""Schedules: what their commands record, and what they reject."""

from datetime import UTC, datetime

import pytest

from stackfold.domain.errors import InvalidName, InvalidSchedule, NotFound, NothingToChange
from stackfold.domain.schedules.plan import Plan, Trigger
from stackfold.domain.schedules.schedule import Schedule
from stackfold.testing import event, given

PLAN = Plan.of(source="train.py:train", cron="0 6 * * *")
CREATED = event(Schedule.Created, name="nightly", plan=PLAN, paused=False)
TIME, LATER = "2026-11-26T06:00:00.000000Z", "2026-11-27T06:00:00.000000Z"
MISSED = {"reason": "missed", "first": TIME, "last": LATER, "count": 2, "error": ""}


def test_a_schedule_is_created():
    given(Schedule).when(lambda it: it.create("nightly", PLAN)).then(CREATED)
    given(Schedule).when(lambda it: it.create("no name", PLAN)).rejected(InvalidName)


def test_a_plan_that_changes_is_recorded_whole():
    plan = PLAN.but(stack="prod")
    given(Schedule, CREATED).when(lambda it: it.update(plan)).then(
        event(Schedule.Updated, plan=plan)
    )
    given(Schedule, CREATED).when(lambda it: it.update(PLAN)).rejected(NothingToChange)


def test_a_schedule_is_paused_and_resumed():
    given(Schedule, CREATED).when(lambda it: it.pause()).then(event(Schedule.Paused))
    given(Schedule, CREATED, event(Schedule.Paused)).when(lambda it: it.resume()).then(
        event(Schedule.Resumed)
    )
    given(Schedule, CREATED).when(lambda it: it.resume()).rejected(NothingToChange)
    given(Schedule, CREATED, event(Schedule.Paused)).when(lambda it: it.pause()).rejected(
        NothingToChange
    )


def test_times_without_a_run_are_recorded_once():
    passed = event(Schedule.Passed, **MISSED)
    given(Schedule, CREATED).when(lambda it: it.pass_over("missed", TIME, LATER, 2)).then(passed)
    given(Schedule, CREATED, passed).when(lambda it: it.pass_over("failed", LATER, LATER)).rejected(
        NothingToChange
    )


def test_what_was_recorded_of_events_accounts_for_no_times():
    failed = event(Schedule.Passed, reason="failed", first="#9", last="#9", count=1, error="no")
    given(Schedule, CREATED).when(lambda it: it.pass_over("failed", "#9", "#9", 1, "no")).then(
        failed
    )
    given(Schedule, CREATED, failed).when(lambda it: it.pass_over("missed", TIME, LATER, 2)).then(
        event(Schedule.Passed, **MISSED)
    )


def test_a_past_state_is_reverted_to_and_restored():
    deleted = event(Schedule.Deleted)
    state = {"to_revision": 1, "name": "nightly", "plan": PLAN, "paused": False}
    given(Schedule, CREATED).when(lambda it: it.delete()).then(deleted)
    given(Schedule, CREATED, deleted).when(lambda it: it.pause()).rejected(NotFound)
    past = given(Schedule, CREATED).when(lambda it: None).aggregate
    given(Schedule, CREATED, event(Schedule.Paused)).when(lambda it: it.revert(past)).then(
        event(Schedule.Reverted, **state)
    )
    given(Schedule, CREATED, deleted).when(lambda it: it.restore(past)).then(
        event(Schedule.Restored, **state)
    )


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cron": None}, "exactly one of"),
        ({"every": 60}, "exactly one of"),
        ({"cron": "61 * * * *"}, "bad minute"),
        ({"timezone": "Mars"}, "time zone 'Mars' is unknown"),
        ({"starts": NOON, "ends": datetime(2025, 1, 1, tzinfo=UTC)}, "end before it starts"),
        ({"catch_up": "some"}, "catch_up of a schedule is not valid"),
        ({"catch_up_limit": 0}, "0 missed times"),
        ({"catch_up_limit": 1001}, "1001 missed times"),
        ({"cron": None, "every": 0, "starts": NOON}, "an interval of 0 s"),
        (
            {"cron": None, "trigger": Trigger(event="stack-activated", model="churn")},
            "is about no model",
        ),
        (
            {"cron": None, "trigger": Trigger(event="model-promoted", stack="prod")},
            "is about no stack",
        ),
    ],
)
def test_an_invalid_plan_is_rejected(changes, problem):
    with pytest.raises(InvalidSchedule, match=problem):
        PLAN.but(**changes)
