"""Processes that race, and a home to race in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from workspaces import opened, stack, store

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No settings, no project, no repository."""
    for name in [name for name in os.environ if name.startswith("STACKFOLD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    places = (ROOT / "src", ROOT / "tests", ROOT / "tests" / "support")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, places)))


@pytest.fixture
def home(tmp_path):
    """A home with some stacks and components."""
    folder = tmp_path / "home"
    fill(folder)
    return folder


def fill(place):
    with opened(place) as ws:
        store(ws, "hot")
        for name in ("a", "b", "c"):
            stack(ws, name)


@pytest.fixture(params=["file", "PostgreSQL"])
def empty_place(request, tmp_path):
    """A location without a log: a folder, or the address of a shared database."""
    if request.param == "file":
        yield tmp_path / "home"
    else:
        with request.getfixturevalue("postgres").lent() as url:
            yield url


@pytest.fixture
def place(empty_place):
    """The same with some stacks and components."""
    fill(empty_place)
    return empty_place


@pytest.fixture
def start():
    """Starts a worker process."""
    started = []

    def start(*arguments, **more):
        process = subprocess.Popen(
            [sys.executable, WORKER, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "STACKFOLD_ACTOR": f"worker-{len(started)}"},
            **more,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def race(start, tmp_path):
    """Lets processes race; returns each one's outcomes, attempt by attempt."""

    def race(task, place, processes, attempts):
        meeting = tmp_path / "meeting"
        meeting.write_bytes(bytes(4 * processes))
        workers = [start(task, place, meeting, me, processes, attempts) for me in range(processes)]
        outcomes = [json.loads(worker.communicate(timeout=600)[0]) for worker in workers]
        assert [len(each) for each in outcomes] == [attempts] * processes
        return outcomes

    return race
