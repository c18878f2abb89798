"""When objects in a cluster that run schedules fire."""

import pytest

from stackfold.infrastructure.cluster_schedules.cluster import cluster_times


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({"cron": "30 6 * * 7"}, "30 6 * * 0"),
        ({"cron": "0 6 L * *"}, "* * * * *"),
        ({"every": "6h"}, "* * * * *"),
        ({"at": "2030-05-06T07:08:09Z"}, "9 7 6 5 *"),
    ],
)
def test_the_times_of_a_schedule_are_covered(ws, options, times):
    view = ws.schedules.create("nightly", "train.py:training", check=False, **options)
    assert cluster_times(view, "a CronJob").cron == times
