"""Which times of a schedule are started, and which pass without a run."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stackfold.application.schedules.decisions import (
    GRACE,
    MOST,
    NOTHING,
    Decision,
    Gap,
    State,
    Window,
    decide,
)
from stackfold.domain.schedules.times import Times

HOURLY = Times(cron="0 * * * *")


def at(hour, minute=0):
    return datetime(2026, 11, 26, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def state(catch_up="none", overlap="skip", *windows, limit=10, accounted=None, times=HOURLY):
    return State(times, catch_up, limit, overlap, accounted or at(0), windows)


def missed(first, last, times):
    return Gap("missed", at(first), at(last), times)


def test_a_time_that_has_come_is_started():
    assert decide(state(), at(1)) == Decision([], [at(1)])
    assert decide(state(), at(1) - timedelta(microseconds=1)) == NOTHING


def test_a_time_that_is_accounted_for_is_not_started_again():
    assert decide(state(accounted=at(1)), at(1, 30)) == NOTHING


def test_a_time_may_be_late_by_a_grace():
    assert decide(state(), at(1) + GRACE) == Decision([], [at(1)])
    late = at(1) + GRACE + timedelta(seconds=1)
    assert decide(state(), late) == Decision([missed(1, 1, 1)], [])


def test_missed_times_are_one_gap():
    assert decide(state(), at(9, 1)) == Decision([missed(1, 8, 8)], [at(9)])
    assert decide(state(), at(9, 30)) == Decision([missed(1, 9, 9)], [])


def test_the_last_missed_time_is_caught_up():
    assert decide(state("last"), at(9, 30)) == Decision([missed(1, 8, 8)], [at(9)])


def test_a_time_at_which_nothing_looked_is_made_up_for_at_the_next():
    # Such as by a CronJob of Kubernetes on the day after one whose clocks skip the time.
    daily = Times(cron="30 2 * * *", timezone="Europe/Berlin")
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    skipped, next = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    every = state("all", "allow", accounted=before, times=daily)
    assert decide(every, next) == Decision([], [skipped, next])
    last = state("last", "allow", accounted=before, times=daily)
    assert decide(last, next) == Decision([Gap("missed", skipped, skipped, 1)], [next])


def test_all_missed_times_are_caught_up_within_a_limit():
    found = decide(state("all", "allow", limit=3), at(9, 30))
    assert found == Decision([missed(1, 6, 6)], [at(7), at(8), at(9)])


def test_without_overlap_they_are_caught_up_one_after_another():
    assert decide(state("all", limit=3), at(9, 30)) == Decision([missed(1, 6, 6)], [at(7)])
    first = Window(at(9, 30), at(10, 10))
    after_it = state("all", "skip", first, limit=3, accounted=at(7))
    assert decide(after_it, at(10, 10)) == Decision([], [at(8)])
    last = (first, Window(at(10, 11), at(10, 12)), Window(at(10, 13), at(10, 14)))
    at_last = decide(state("all", "skip", *last, limit=3, accounted=at(9)), at(10, 15))
    assert at_last == Decision([Gap("overlap", at(10), at(10), 1)], [])


def test_nothing_is_decided_while_the_run_before_is_running():
    running = Window(at(0), None)
    assert decide(state("all", "skip", running), at(9)) == NOTHING


def test_what_has_passed_meanwhile_is_one_gap():
    ended = Window(at(0), at(3, 30))
    assert decide(state("none", "skip", ended), at(3, 30)) == Decision(
        [Gap("overlap", at(1), at(3), 3)], []
    )
    assert decide(state("none", "skip", ended), at(4)) == Decision(
        [Gap("overlap", at(1), at(3), 3)], [at(4)]
    )


def test_runs_that_may_overlap_are_started_all_the_same():
    assert decide(state("none", "allow", Window(at(0), None)), at(1)) == Decision([], [at(1)])


def test_very_many_missed_times_are_counted_up_to_a_number():
    minutely = Times(cron="* * * * *")
    found = decide(state("last", times=minutely), at(24 * 365))
    (gap,) = found.passed
    assert found.start == [at(24 * 365)]
    assert (gap.first, gap.last) == (at(0, 1), at(24 * 365, -1))
    assert gap.times >= MOST


offsets = st.integers(0, 3000).map(lambda minutes: at(0, minutes))
windows = st.lists(
    st.tuples(offsets, st.integers(0, 200)).map(
        lambda each: Window(each[0], each[0] + timedelta(minutes=each[1]))
    ),
    max_size=4,
)


@given(
    st.sampled_from(["none", "last", "all"]),
    st.sampled_from(["skip", "allow"]),
    windows,
    st.integers(1, 5),
    offsets,
    offsets,
)
def test_no_time_is_decided_twice_and_none_before_a_decided_one_is_left(
    catch_up, overlap, before, limit, accounted, now
):
    given_state = state(catch_up, overlap, *before, limit=limit, accounted=accounted)
    found = decide(given_state, now)
    assert all(accounted < time <= now for time in found.start)
    assert len(found.start) <= (limit if catch_up == "all" else 1)
    passed = [
        time
        for gap in found.passed
        for time in HOURLY.between(gap.first - timedelta(seconds=1), gap.last, MOST)
    ]
    assert sum(gap.times for gap in found.passed) == len(passed)
    decided = [*passed, *found.start]
    assert decided == sorted({*decided})
    if decided:
        last = found.start[0] if found.start else passed[-1]
        assert {*HOURLY.between(accounted, last, MOST)} <= {*decided}
