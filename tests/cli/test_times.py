"""Times and durations: for people on a terminal, exact elsewhere."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from stackfold.cli.times import shown_time, took
from stackfold.domain.rfc3339 import to_rfc3339


def ago(**lapse):
    return to_rfc3339(datetime.now(UTC) - timedelta(**lapse))


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


@pytest.mark.parametrize(
    ("lapse", "shown"),
    [
        ({"minutes": 5, "seconds": 2}, "5 min ago"),
        ({"hours": 3, "minutes": 59}, "3 h ago"),
        ({"days": 6, "hours": 1}, "6 d ago"),
    ],
    ids=str,
)
def test_a_time_is_relative_on_a_terminal(terminal, lapse, shown):
    assert shown_time(ago(**lapse)) == shown


def test_a_time_of_a_week_ago_is_a_date(terminal):
    assert shown_time("2026-01-31T12:00:00.123456Z") == "2026-01-31"


def test_a_time_in_the_future_is_exact(terminal):
    assert shown_time("9999-01-31T12:00:00.123456Z") == "9999-01-31T12:00:00Z"


def test_a_piped_time_is_exact():
    assert shown_time("2026-01-31T12:00:00.123456Z") == "2026-01-31T12:00:00Z"


def test_other_text_is_unchanged(terminal):
    assert shown_time("2026-01-31") == "2026-01-31"


@pytest.mark.parametrize(
    ("status", "ended", "shown"),
    [
        ("completed", "2026-01-31T12:02:05.000000Z", "2 min 5 s"),
        ("failed", "2026-01-31T12:00:03.400000Z", "3.4 s"),
        ("cached", "2026-01-31T12:00:03.400000Z", ""),
        ("interrupted", None, ""),
    ],
)
def test_the_duration_of_a_run_or_step(status, ended, shown):
    started = "2026-01-31T12:00:00.000000Z"
    assert took({"status": status, "started": started, "ended": ended}) == shown


def test_the_duration_of_a_running_run_is_the_time_since_its_start():
    record = {"status": "running", "started": ago(minutes=2), "ended": None}
    assert took(record).startswith("2 min")


def test_a_step_that_never_started_has_no_duration():
    assert took({"status": "pending", "started": None, "ended": None}) == ""
