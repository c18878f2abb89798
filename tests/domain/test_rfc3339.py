"""Times as text, as the log and its tables write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stackfold.domain.rfc3339 import from_rfc3339, to_rfc3339, to_the_second

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "time",
    [NOON, NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))],
)
def test_a_time_is_written_in_utc_with_microseconds(time):
    assert to_rfc3339(time) == "2026-01-31T12:00:00.000000Z"


def test_texts_sort_as_their_times_do():
    times = [datetime(1, 1, 1, tzinfo=UTC), NOON, NOON + timedelta(microseconds=1)]
    assert sorted(map(to_rfc3339, times)) == [*map(to_rfc3339, times)]


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00.000000Z", "2026-01-31T13:00+01:00", "2026-01-31 12:00:00"]
)
def test_a_text_without_an_offset_is_in_utc(text):
    assert from_rfc3339(text) == NOON


def test_a_date_is_its_midnight():
    assert from_rfc3339("2026-01-31") == NOON - timedelta(hours=12)


def test_only_a_time_loses_its_fraction():
    assert to_the_second("2026-01-31T12:00:00.123456Z") == "2026-01-31T12:00:00Z"
    assert to_the_second("trained-on-2026-01-31T12.Z") == "trained-on-2026-01-31T12.Z"
