"""Processes that run the same schedules at once, and are killed: one run for each time."""

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from workspaces import opened

pytestmark = pytest.mark.slow

PROGRAM = """
import os
import signal
import time
from pathlib import Path

from stackfold import pipeline, step

HERE = Path(__file__).parent


@step(enable_cache=False)
def work(seconds: float) -> int:
    with (HERE / "work").open("a") as lines:
        lines.write("line\\n")
    time.sleep(seconds)
    return 1


@pipeline
def job(seconds: float = 0.0):
    work(seconds)


if (HERE / "kill").exists():
    (HERE / "kill").unlink()
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "job.py").write_text(PROGRAM)
    return f"{tmp_path}/job.py:job"


@pytest.fixture
def scheduler(empty_place, monkeypatch):
    """Starts `stackfold schedule run` in a new process."""
    shared = str(empty_place).startswith("postgresql:")
    monkeypatch.setenv("STACKFOLD_STORE" if shared else "STACKFOLD_HOME", str(empty_place))
    started = []

    def scheduler(*options):
        command = [sys.executable, "-m", "stackfold", "schedule", "run", *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield scheduler
    for process in started:
        process.kill()
        process.communicate()


def soon(seconds=3):
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


def until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def times_of_runs(ws):
    return sorted(ws.runs.describe(run.id).metadata["scheduled_for"] for run in ws.runs.list())


def text(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z"


def test_three_processes_at_once_start_one_run_for_each_time(
    empty_place, source, scheduler, tmp_path
):
    with opened(empty_place) as ws:
        ws.schedules.create("often", source, every="1s", overlap="allow")
        processes = [scheduler() for _ in range(3)]
        until(lambda: len(ws.runs.list()) >= 3)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        lines = [process.communicate(timeout=240)[0] for process in processes]
        assert all(process.returncode == 0 for process in processes), lines
        times = times_of_runs(ws)
        assert len(times) == len({*times})
        assert len((tmp_path / "work").read_text().splitlines()) == len(times)
        passed = {each.time for each in ws.schedules.occurrences("often", 100) if not each.run}
        assert not passed & {*times}
        assert all(run.status == "completed" for run in ws.runs.list())
        assert ws.log.verify().intact


def test_a_time_whose_process_was_killed_is_started_by_the_next(
    empty_place, source, scheduler, tmp_path
):
    with opened(empty_place) as ws:
        at = soon(8)
        ws.schedules.create("once", source, at=at)
        (tmp_path / "kill").touch()  # the run kills its scheduler and itself before it is recorded
        first = scheduler()
        first.communicate(timeout=240)
        assert first.returncode == -signal.SIGKILL
        assert ws.runs.list() == []
        second = scheduler("once", "--once")
        out, _ = second.communicate(timeout=240)
        assert second.returncode == 0, out
        assert times_of_runs(ws) == [text(at)]
        third = scheduler("--once")
        assert third.communicate(timeout=240)[0] == ""
        assert len(ws.runs.list()) == 1


def test_a_run_survives_the_process_that_started_it(empty_place, source, scheduler, tmp_path):
    with opened(empty_place) as ws:
        at = soon(8)
        ws.schedules.create("once", source, {"seconds": 5}, at=at, catch_up="last")
        first = scheduler()
        until((tmp_path / "work").exists)
        first.kill()
        assert [run.status for run in ws.runs.list()] == ["running"]
        second = scheduler("--once")
        assert second.communicate(timeout=240)[0] == ""
        until(lambda: [run.status for run in ws.runs.list()] == ["completed"])
        assert times_of_runs(ws) == [text(at)]


def test_a_second_ctrl_c_cancels_the_runs(empty_place, source, scheduler, tmp_path):
    with opened(empty_place) as ws:
        ws.schedules.create("once", source, {"seconds": 60}, at=soon(8))
        process = scheduler()
        until((tmp_path / "work").exists)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None, "it waits for the run"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=240)
        assert process.returncode == 130
        assert [run.status for run in ws.runs.list()] == ["cancelled"]


def test_no_run_is_started_for_the_same_time_by_two_claims_that_were_lost(empty_place, source):
    """Without claims, as after a server released them: the log accepts one run for each time."""
    from stackfold.infrastructure.schedules.run_process import (
        Author,
        Target,
        started_process,
    )

    shared = str(empty_place).startswith("postgresql:")
    with opened(empty_place) as ws:
        view = ws.schedules.create("often", source, every="1h", paused=True)
        target = Target(str(ws.home), str(empty_place) if shared else None)
        author = Author(ws.actor, None)
        times = [text(soon(number)) for number in range(3)]
        processes = [
            started_process(target, author, view.id, each) for each in times for _ in range(3)
        ]
        answers = [process.answer(240) for process in processes]
        assert all(process.wait(240) for process in processes)
        assert sum("run" in answer for answer in answers) == len(times)
        assert sum("already" in answer for answer in answers) == 2 * len(times), answers
        assert times_of_runs(ws) == sorted(times)
        assert ws.log.verify().intact
