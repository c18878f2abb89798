"""`run watch` and `run logs --follow`: a run of another process, until it ends."""

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import in_a_process
from terminal import PROGRAM

from stackfold.infrastructure.workspace import Workspace

SLOW = """
import os, time
from stackfold import pipeline, step

@step
def load() -> int:
    print("loading")
    return 1

@step
def train(rows: int) -> int:
    print("10 %", end="\\r")
    while not os.path.exists("enough"):
        time.sleep(0.02)
    if os.path.exists("broken"):
        raise ValueError("too deep")
    print("20 %\\ntrained")
    return rows

@pipeline
def slow() -> None:
    train(load())
"""


def command(*words):
    return [sys.executable, "-c", PROGRAM, *words]


def wait_for(condition):
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose step `train` is running, in another process; returns that process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    Path("slow.py").write_text(SLOW)
    process = subprocess.Popen(
        command("pipeline", "run", "slow.py"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def is_running():
        with Workspace.open() as ws:
            return ws.runs.list() and "train" in ws.runs.live("latest")

    wait_for(is_running)
    yield process
    process.kill()
    process.wait()


def started(*words):
    """A command that runs at the same time."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command(*words), stdout=pipe, stderr=pipe, text=True)


def after_a_look(process):
    """Wait until a command has looked at the run at least once."""
    time.sleep(2)
    assert process.poll() is None


@pytest.mark.slow
def test_two_viewers_watch_a_run_until_it_completes(run):
    viewers = [started("run", "watch"), started("run", "watch", "slow")]
    for each in viewers:
        after_a_look(each)
    Path("enough").touch()
    for each in viewers:
        out, err = each.communicate()
        assert each.returncode == 0
        name = out.split("'")[1]
        assert out == f"run '{name}' completed\n"
        lines = [line.partition(" after ")[0] for line in err.splitlines()]
        assert lines == [f"run {name}: 2 steps", "step load completed", "step train completed"]


@pytest.mark.slow
def test_watching_a_run_that_fails_exits_with_1(run):
    viewer = started("run", "watch")
    Path("broken").touch()
    Path("enough").touch()
    out, err = viewer.communicate()
    assert viewer.returncode == 1
    assert out.endswith(" failed: ValueError: too deep\n")
    assert ": ValueError: too deep" in err.splitlines()[-1]


@pytest.mark.slow
def test_watching_a_run_whose_process_is_killed_ends(run):
    viewer = started("run", "watch")
    after_a_look(viewer)
    run.kill()
    out, _ = viewer.communicate()
    assert viewer.returncode == 1
    assert out.endswith(" was interrupted: its process has ended\n")


@pytest.mark.slow
@pytest.mark.parametrize("words", [("run", "watch"), ("run", "logs", "-f")])
def test_ctrl_c_ends_only_the_viewer(run, words):
    viewer = started(*words)
    after_a_look(viewer)
    viewer.send_signal(signal.SIGINT)
    out, err = viewer.communicate()
    assert viewer.returncode == 130
    assert "Traceback" not in out + err
    assert run.poll() is None


@pytest.mark.slow
def test_a_terminal_shows_the_running_step_and_its_last_line(run):
    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, command("run", "watch"), {**os.environ, "TERM": "xterm"})
    seen = b""
    with suppress(OSError):  # so ends a terminal on Linux
        while piece := os.read(terminal, 4096):
            seen += piece
            if b"  10 %" in seen:
                Path("enough").touch()
    os.close(terminal)
    assert os.waitpid(process, 0)[1] == 0
    assert b"step train completed after" in seen


@pytest.mark.slow
def test_following_prints_text_as_it_comes_with_the_step_before_each_line(run):
    viewer = started("run", "logs", "-f")
    assert viewer.stdout is not None
    assert viewer.stdout.readline() == "load  | loading\n"
    Path("enough").touch()
    out, err = viewer.communicate()
    assert out == "train | 20 %\ntrain | trained\n"
    assert (viewer.returncode, err) == (0, "")


@pytest.mark.slow
def test_on_a_terminal_a_progress_bar_updates_one_line(run):
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, command("run", "logs", "--follow"))
    seen = b""
    while b"trained" not in seen:
        seen += os.read(terminal, 4096)
        if b"10 %" in seen:
            Path("enough").touch()
    assert b"train | 10 %\r\x1b[Ktrain | 20 %\r\ntrain | trained\r\n" in seen
    os.close(terminal)
    os.waitpid(process, 0)


@pytest.mark.slow
def test_logs_show_the_last_state_of_a_line(run):
    assert in_a_process("run", "logs").out == "load  | loading\ntrain | 10 %\n"
    Path("enough").touch()
    run.wait()
    assert in_a_process("run", "logs", "latest", "train").out == "20 %\ntrained\n"
