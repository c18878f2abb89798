"""When a schedule starts runs: cron expressions, intervals, once; also where clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.schedules.intervals import interval_text, seconds_of
from stackfold.domain.schedules.times import Times, time_in, valid_cron, valid_timezone

BERLIN = "Europe/Berlin"
ZONES = [
    *("UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo", "Antarctica/Troll"),
]


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(expression, timezone="UTC", **bounds):
    return Times(cron=expression, timezone=timezone, **bounds)


def local(times, timezone):
    return [f"{each.astimezone(ZoneInfo(timezone)):%d %H:%M %Z}" for each in times]


def test_a_cron_expression_is_read_in_its_time_zone():
    times = cron("0 6 * * 1-5", BERLIN).next(at("2026-11-26T12:00"), 3)
    assert local(times, BERLIN) == ["27 06:00 CET", "30 06:00 CET", "01 06:00 CET"]


def test_a_time_that_the_clocks_skip_is_at_the_end_of_the_gap():
    times = cron("30 2 * * *", BERLIN).next(at("2026-03-28T12:00"), 2)
    assert local(times, BERLIN) == ["29 03:00 CEST", "30 02:30 CEST"]


def test_a_time_that_comes_twice_counts_once():
    times = cron("30 2 * * *", BERLIN).next(at("2026-10-24T12:00"), 2)
    assert local(times, BERLIN) == ["25 02:30 CEST", "26 02:30 CET"]


def test_between_both_of_its_occurrences_it_does_not_come_again():
    between = at("2026-10-25T00:45")
    assert local(cron("30 2 * * *", BERLIN).next(between, 1), BERLIN) == ["26 02:30 CET"]


def test_expressions_with_a_star_for_hours_or_minutes_follow_the_clock():
    times = cron("30 * * * *", BERLIN).next(at("2026-10-24T23:45"), 4)
    assert local(times, BERLIN) == [
        *("25 02:30 CEST", "25 02:30 CET", "25 03:30 CET", "25 04:30 CET"),
    ]
    times = cron("30 * * * *", BERLIN).next(at("2026-03-29T00:00"), 2)
    assert local(times, BERLIN) == ["29 01:30 CET", "29 03:30 CEST"]


def test_an_interval_is_counted_from_its_start_in_every_time_zone():
    start = at("2026-03-28T12:00")
    times = Times(every=6 * 3600, timezone=BERLIN, starts=start)
    assert times.next(start - timedelta(days=9), 2) == [start, start + timedelta(hours=6)]
    assert times.next(start + timedelta(hours=13), 1) == [start + timedelta(hours=18)]


def test_a_single_time_comes_once():
    times = Times(once=at("2026-12-01T06:00"))
    assert times.next(at("2026-11-01T00:00"), 5) == [at("2026-12-01T06:00")]
    assert times.next(at("2026-12-01T06:00"), 5) == []


def test_there_are_no_times_outside_of_the_bounds():
    times = cron("0 * * * *", starts=at("2026-01-01T10:00"), ends=at("2026-01-01T12:00"))
    assert times.next(at("2020-01-01T00:00"), 9) == [at(f"2026-01-01T{h}:00") for h in (10, 11, 12)]


def test_a_schedule_after_events_has_no_times():
    assert Times().next(at("2026-01-01T00:00"), 3) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-29 02:30", "2026-03-29T01:30"),  # skipped: an hour later, 03:30
        ("2026-10-25 02:30", "2026-10-25T00:30"),  # twice: the first
        ("2026-12-01", "2026-11-30T23:00"),
        ("2026-12-01T06:00+05:00", "2026-12-01T01:00"),
        ("2026-12-01T06:00Z", "2026-12-01T06:00"),
    ],
)
def test_a_time_without_an_offset_is_in_the_time_zone(text, expected):
    assert time_in(text, BERLIN) == at(expected)


moments = st.integers(631152000, 3786912000).map(lambda s: datetime.fromtimestamp(s, UTC))
minutes = st.sampled_from(["*", "0", "30", "*/7", "5-10", "59", "0,1,2"])
hours = st.sampled_from(["*", "2", "0", "1-3", "*/5", "23", "2,3"])
days = st.sampled_from(["*", "1", "31", "*/10", "L"])
months = st.sampled_from(["*", "3", "10", "3,4,10,11"])
week = st.sampled_from(["*", "0", "1-5", "7", "SUN#2"])
expressions = st.tuples(minutes, hours, days, months, week).map(" ".join)
near_changes = st.one_of(
    moments,
    st.sampled_from(
        ["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00"]
    )
    .map(at)
    .flatmap(lambda change: st.integers(-7200, 7200).map(lambda s: change + timedelta(seconds=s))),
)


@given(expressions, st.sampled_from(ZONES), near_changes)
def test_times_of_cron_are_later_than_now_and_strictly_increasing(expression, zone, now):
    found = cron(expression, zone).next(now, 8)
    assert all(time > now for time in found)
    assert all(one < other for one, other in pairwise(found))
    assert all(time.tzinfo is UTC and time.second == time.microsecond == 0 for time in found)


@given(expressions, st.sampled_from(ZONES), near_changes, st.integers(1, 6))
def test_times_do_not_depend_on_when_one_looks(expression, zone, now, number):
    times = cron(expression, zone)
    found = times.next(now, 8)
    later = found[number - 1] if len(found) >= number else now
    assert times.next(later, 8 - number) == [each for each in found if each > later][: 8 - number]


@given(st.integers(1, 10**6), moments, near_changes)
def test_times_of_intervals_are_later_than_now_and_strictly_increasing(every, starts, now):
    found = Times(every=every, starts=starts).next(now, 4)
    assert len(found) == 4
    assert all(time > now and time >= starts for time in found)
    assert all(other - one == timedelta(seconds=every) for one, other in pairwise(found))


@given(expressions, st.sampled_from(ZONES), near_changes, st.integers(1, 400), st.integers(1, 5))
def test_the_last_times_are_the_end_of_all(expression, zone, now, passed, most):
    times, after = cron(expression, zone), now - timedelta(hours=passed)
    assert times.last(after, now, most) == times.between(after, now, 10**6)[-most:]


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "0 0 0 * * *", "a b c d e", "0 0 31 2 *", "1 " * 200]
)
def test_an_invalid_cron_expression_is_rejected(text):
    with pytest.raises(InvalidSchedule, match="cron expression"):
        valid_cron(text)


def test_shortcuts_are_written_out():
    assert valid_cron(" @daily ") == "0 0 * * *"
    assert valid_cron("0  6 * * 1-5") == "0 6 * * 1-5"


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "Europe", "\0"]
)
def test_an_unknown_time_zone_is_rejected(name):
    with pytest.raises(InvalidSchedule, match="IANA"):
        valid_timezone(name)


@pytest.mark.parametrize("text", ["90s", "15m", "6h", "1d", "2w"])
def test_intervals_are_written_as_they_are_read(text):
    assert seconds_of(interval_text(seconds_of(text))) == seconds_of(text)


@pytest.mark.parametrize("text", ["", "m", "-1m", "1.5h", "10", "0s", "400d", "²m"])
def test_an_invalid_interval_is_rejected(text):
    with pytest.raises(InvalidSchedule, match="interval"):
        seconds_of(text)
