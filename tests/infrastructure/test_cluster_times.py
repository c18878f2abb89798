"""When objects in a cluster that run schedules fire."""

from datetime import UTC, timedelta

import pytest
from cronsim import CronSim

from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.errors import InvalidSchedule
from stackfold.infrastructure.cluster_schedules.cluster import ClusterTimes, cluster_times

START = "2026-01-01T01:02:03.5Z"  # a Thursday; a schedule starts at a whole second
EACH_MINUTE = "* * * * *"


def times_of(ws, **options):
    view = ws.schedules.create("nightly", "train.py:training", check=False, **options)
    return cluster_times(view, "a CronJob")


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({"cron": "30 6 * * 7"}, ("30 6 * * 0", "UTC", "30 6 * * 0", "0 30 6 * * 0")),
        ({"cron": "0 6 L * *"}, (EACH_MINUTE, "UTC", EACH_MINUTE, "0 * * * * *")),
        (
            {"cron": "0 6 * * *", "timezone": "Europe/Berlin"},
            ("0 6 * * *", "Europe/Berlin", EACH_MINUTE, "0 * * * * *"),
        ),
        ({"at": "2030-05-06T07:08:09Z"}, ("9 7 6 5 *", "UTC", "9 7 6 5 *", "9 8 7 6 5 *")),
        ({"at": "2030-12-31T23:59:30Z"}, ("0 0 1 1 *", "UTC", "0 0 1 1 *", "30 59 23 31 12 *")),
    ],
)
def test_the_times_of_a_schedule_are_covered(ws, options, times):
    assert times_of(ws, **options) == ClusterTimes(*times)


@pytest.mark.parametrize(
    ("every", "cron", "with_seconds"),
    [
        ("1m", "* * * * *", "3 * * * * *"),
        ("20m", "3,23,43 * * * *", "3 2,22,42 * * * *"),
        ("15m", "3,18,33,48 * * * *", "3 2,17,32,47 * * * *"),
        ("7m", "* * * * *", "3 * * * * *"),
        ("90m", "3,33 * * * *", "3 2,32 * * * *"),
        ("1h", "3 * * * *", "3 2 * * * *"),
        ("5h", "3 * * * *", "3 2 * * * *"),
        ("6h", "3 1,7,13,19 * * *", "3 2 1,7,13,19 * * *"),
        ("36h", "3 1,13 * * *", "3 2 1,13 * * *"),
        ("1d", "3 1 * * *", "3 2 1 * * *"),
        ("10d", "3 1 * * *", "3 2 1 * * *"),
        ("2w", "3 1 * * 4", "3 2 1 * * 4"),
        ("61s", "* * * * *", "0 * * * * *"),
    ],
)
def test_intervals_are_covered_in_utc(ws, every, cron, with_seconds):
    found = times_of(ws, every=every, starts=START, timezone="Asia/Kolkata")
    assert found == ClusterTimes(cron, "UTC", cron, with_seconds)


@pytest.mark.parametrize("start", ["2026-03-28T23:59:01+01:00", "2026-12-31T10:00:00+05:30"])
@pytest.mark.parametrize("every", ["5m", "40m", "2h", "5h", "1d", "36h", "3d", "1w", "5w"])
def test_each_time_at_an_interval_is_within_the_minute_before_a_firing(ws, every, start):
    cron = times_of(ws, every=every, starts=start).cron
    begin = from_rfc3339(start).astimezone(UTC)
    (view,) = ws.schedules.list()
    for number in range(100):
        time = begin + number * timedelta(seconds=view.every)
        fires = next(CronSim(cron, (time - timedelta(seconds=1)).replace(tzinfo=None)))
        assert fires.replace(tzinfo=UTC) - time < timedelta(minutes=1)


def test_what_has_no_times_of_minutes_is_rejected(ws):
    with pytest.raises(InvalidSchedule, match="start-schedules"):
        times_of(ws, on="stack-activated")
    ws.schedules.delete("nightly")
    with pytest.raises(InvalidSchedule, match="a CronJob is exact to the minute"):
        times_of(ws, every="59s")
