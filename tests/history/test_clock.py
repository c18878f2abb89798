"""Wrong clocks: the time of recording never runs backwards, and one wrong clock does no harm."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from workspaces import names, opened, stack, store

from stackfold.domain.errors import ClockJumped
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture(params=["file", "PostgreSQL"])
def place(request, tmp_path):
    """Where a log is to be: a folder, or the address of a shared database."""
    if request.param == "file":
        yield tmp_path / "home"
    else:
        with request.getfixturevalue("postgres").lent() as url:
            yield url


def begun(place, time):
    """Create a log whose first events are recorded at a time."""
    with freeze_time(time), opened(place) as ws:
        assert ws.log.head().recorded_at.startswith(time)


def seconds_from_now(text):
    return abs((datetime.fromisoformat(text) - datetime.now(UTC)) / timedelta(seconds=1))


def rejected(place):
    with opened(place) as ws:
        before = ws.log.head()
        with pytest.raises(ClockJumped) as error:
            store(ws, "a")
        assert ws.log.head() == before
        assert names(ws.stacks.list()) == ["default"]
    return str(error.value)


# -- a clock that jumps


def test_a_jump_of_more_than_ten_years_is_rejected(tmp_path):
    begun(tmp_path / "home", "2010-05-01")
    told = rejected(tmp_path / "home")
    assert "more than ten years after the log's last event (2010-05-01)" in told
    assert "STACKFOLD_ALLOW_CLOCK_JUMP=1" in told
    assert "\n" not in told


def test_the_environment_variable_allows_the_jump_and_is_needed_once(tmp_path, monkeypatch):
    begun(tmp_path / "home", "2010-05-01")
    with monkeypatch.context() as allowed, opened(tmp_path / "home") as ws:
        allowed.setenv("STACKFOLD_ALLOW_CLOCK_JUMP", "1")
        store(ws, "a")
    with opened(tmp_path / "home") as ws:
        store(ws, "b")
        assert seconds_from_now(ws.log.head().recorded_at) < 600
        assert ws.log.ahead() is None


@pytest.mark.parametrize("years", [1, 9])
def test_a_home_that_was_unused_for_years_works_without_the_variable(tmp_path, years):
    begun(tmp_path / "home", f"{datetime.now(UTC).year - years}-12-31")
    with opened(tmp_path / "home") as ws:
        store(ws, "a")


def test_the_clock_of_a_server_may_jump(postgres):
    with postgres.lent() as url:
        begun(url, "2010-05-01")
        with opened(url) as ws:
            store(ws, "a")
            assert seconds_from_now(ws.log.head().recorded_at) < 600


def test_events_in_a_server_get_the_time_of_its_clock(postgres, monkeypatch):
    """This machine's clock is wrong, for SQLite too: no test has set only Python's."""
    from stackfold.infrastructure.eventstore import clock

    monkeypatch.setattr(clock, "is_frozen", lambda: False)
    with postgres.lent() as url, freeze_time("2099-01-01"), opened(url) as ws:
        store(ws, "a")
        recorded = ws.log.head().recorded_at
    assert seconds_from_now(recorded) < 600


def test_frozen_clocks_and_logs_in_memory_may_jump(tmp_path, place):
    begun(place, "2010-05-01")
    with freeze_time("2050-01-01"), opened(place) as ws:
        store(ws, "a")
        assert ws.log.head().recorded_at.startswith("2050-01-01")
    with freeze_time("2010-05-01"):
        in_memory = Workspace.in_memory()
    with in_memory as ws:
        store(ws, "a")
        assert ws.log.ahead() is None


# -- a log that is ahead of the clock


@pytest.fixture
def ahead(place):
    """The events up to #5 were recorded in 2020, #6 by a wrong clock."""
    begun(place, "2020-01-01")
    with freeze_time("2020-01-02"), opened(place) as ws:
        stack(ws, "good")
    with freeze_time("2099-01-01"), opened(place) as ws:
        stack(ws, "wrong")
    return place


REMEDY = "`stackfold log fork NEW_HOME --at '#5'` makes a copy that ends before it"


def test_a_log_ahead_of_the_clock_works_and_each_change_warns(ahead, caplog):
    with opened(ahead) as ws:
        for number in range(2):
            caplog.clear()
            store(ws, f"s{number}")
            ((name, level, text),) = caplog.record_tuples
            assert (name, level) == ("stackfold", logging.WARNING)
            assert "the log is at 2099-01-01T00:00:00Z since #6" in text
            assert REMEDY in text
        assert ws.log.head().recorded_at == "2099-01-01T00:00:00.000000Z"
        caplog.clear()
        ws.stacks.list()
        assert not caplog.records, "who only reads is not bothered"
        assert ws.log.verify().intact


def test_a_program_can_check_whether_a_log_is_ahead(ahead):
    with opened(ahead) as ws:
        found = ws.log.ahead()
        assert (found.first, found.recorded_at) == (6, "2099-01-01T00:00:00.000000Z")
        assert seconds_from_now(found.now) < 600


def test_a_fork_before_the_wrong_times_has_the_right_time(ahead, tmp_path, caplog):
    with opened(ahead) as ws:
        ws.log.fork("#5", tmp_path / "right")
    with opened(tmp_path / "right") as ws:
        store(ws, "a")
        assert seconds_from_now(ws.log.head().recorded_at) < 600
        assert names(ws.stacks.list()) == ["default", "good"]
    assert not caplog.records


def test_points_in_the_past_keep_their_meaning(ahead, caplog):
    with opened(ahead) as ws:
        store(ws, "late")
        assert names(ws.stacks.list(as_of="2020-01-03")) == ["default", "good"]
        assert names(ws.stacks.list(as_of="1s")) == ["default", "good"]
        assert names(ws.stacks.list(as_of="2099-01-02")) == ["default", "good", "wrong"]


def test_a_log_that_is_slightly_ahead_causes_no_warning(tmp_path, caplog):
    with freeze_time(datetime.now(UTC) + timedelta(seconds=30)):
        opened(tmp_path / "home").close()
    with opened(tmp_path / "home") as ws:
        store(ws, "a")
        assert ws.log.ahead() is None
    assert not caplog.records


def test_a_command_warns_once_on_stderr(ahead):
    home = {"STACKFOLD_STORE" if "://" in str(ahead) else "STACKFOLD_HOME": str(ahead)}
    command = ["stack", "register", "new", "-o", "default", "-a", "default", "--set"]
    done = subprocess.run(
        [sys.executable, "-m", "stackfold", *command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **home},
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith("note: the clock says ")
    assert line.endswith(REMEDY)
