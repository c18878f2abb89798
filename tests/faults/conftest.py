"""Processes that race, and a home to race in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from workspaces import stack, store

from stackfold.infrastructure.workspace import Workspace

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No settings, no project, no repository."""
    for name in [name for name in os.environ if name.startswith("STACKFOLD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]))


@pytest.fixture
def home(tmp_path):
    """A home with some stacks and components."""
    folder = tmp_path / "home"
    with Workspace.open(folder) as ws:
        store(ws, "hot")
        for name in ("a", "b", "c"):
            stack(ws, name)
    return folder


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
        outcomes = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
        assert [len(each) for each in outcomes] == [attempts] * processes
        return outcomes

    return race
