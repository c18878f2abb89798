"""Steps that have run for half a second are running for everybody who looks."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runnable import single

from stackfold.application.runs.captured_output import CapturedOutput
from stackfold.application.runs.running_steps import RunningSteps
from stackfold.application.secrets import redaction
from stackfold.infrastructure.system import live_threads
from stackfold.infrastructure.system.live_threads import showing
from stackfold.infrastructure.workspace import Workspace

PROGRAM = """
import os, sys, time
from stackfold import Workspace, pipeline, step

@step
def load() -> int:
    print("loading")
    return 1

@step
def train(rows: int, depth: int = 1) -> int:
    print("depth", depth)
    while not os.path.exists("enough"):
        time.sleep(0.02)
    print("trained")
    return rows

@pipeline
def slow() -> None:
    rows = load()
    train(rows, 1)
    train(rows, 2)

with Workspace.open() as ws:
    ws.runs.start(slow, stack=sys.argv[1])
"""


def wait_for(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgres"])
def home(request, tmp_path, monkeypatch):
    """A home with a log in a file, or a shared log in PostgreSQL."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    if request.param == "postgres":
        postgres = request.getfixturevalue("postgres")
        with postgres.lent() as url:
            monkeypatch.setenv("STACKFOLD_STORE", url)
            yield tmp_path
    else:
        yield tmp_path


@pytest.fixture
def ws(home):
    with Workspace.open() as ws:
        for isolation in ("inline", "process"):
            ws.components.register(
                "orchestrator", isolation, "local", {"isolation": isolation, "max_parallel": 2}
            )
            ws.stacks.register(isolation, orchestrator=isolation, artifact_store="default")
        yield ws


@pytest.fixture
def start(ws, home):
    """Starts the pipeline on a stack, in another process."""
    processes = []

    def start(stack: str = "inline", program: str = PROGRAM) -> subprocess.Popen[bytes]:
        Path("program.py").write_text(program)
        processes.append(subprocess.Popen([sys.executable, "program.py", stack]))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def states(ws):
    return {each.name: each.status for each in ws.runs.steps("latest")} if ws.runs.list() else {}


def text(ws, step):
    return "".join(ws.runs.logs("latest", step))


def is_running(ws, step):
    return lambda: states(ws).get(step) == "running"


@pytest.mark.slow
def test_a_running_step_and_its_text_are_seen_by_another_process(ws, start, home):
    process = start()
    wait_for(is_running(ws, "train"))
    assert states(ws) == {"load": "completed", "train": "running", "train_2": "pending"}
    (train,) = [each for each in ws.runs.steps("latest") if each.name == "train"]
    assert train.started is not None
    assert train.ended is None
    assert text(ws, "train") == "depth 1\n"
    assert ws.runs.live("latest")["train"].text == "depth 1\n"
    Path("enough").touch()
    assert process.wait() == 0
    assert set(states(ws).values()) == {"completed"}
    assert text(ws, "train") == "depth 1\ntrained\n"
    assert not ws.runs.live("latest")


@pytest.mark.slow
def test_steps_in_parallel_processes_are_running_at_once(ws, start):
    start("process")
    wait_for(is_running(ws, "train"))
    wait_for(is_running(ws, "train_2"))
    wait_for(lambda: text(ws, "train") == "depth 1\n")
    wait_for(lambda: text(ws, "train_2") == "depth 2\n")


def test_no_step_of_a_killed_process_is_running_and_its_last_text_is_kept(ws, start):
    process = start()
    wait_for(is_running(ws, "train"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: ws.runs.get("latest").status == "interrupted")
    assert states(ws)["train"] == "pending"
    assert not ws.runs.live("latest")
    assert text(ws, "train") == "depth 1\n"


@pytest.mark.slow
def test_following_a_run_yields_its_text_until_it_ends(ws, start):
    start()
    wait_for(is_running(ws, "train"))
    pieces = []
    for piece in ws.runs.follow("latest", interval=0.05):
        pieces.append(tuple(piece))
        if piece == ("train", "depth 1\n"):
            Path("enough").touch()
    assert pieces[:2] == [("load", "loading\n"), ("train", "depth 1\n")]
    assert "".join(text for step, text in pieces if step == "train") == "depth 1\ntrained\n"
    assert "".join(text for step, text in pieces if step == "train_2") == "depth 2\ntrained\n"


@pytest.mark.slow
def test_a_long_text_is_shown_from_its_last_characters_on_until_the_step_ends(ws, start):
    program = PROGRAM.replace('print("depth", depth)', 'print("first" + "." * 100_000 + "last")')
    process = start(program=program)
    wait_for(is_running(ws, "train"))
    wait_for(lambda: text(ws, "train"))
    begin, _, rest = text(ws, "train").partition("\n")
    assert begin == "-- 34474 characters are left out; the text of the ended step has them"
    assert rest == "." * 65_531 + "last\n"
    Path("enough").touch()
    assert process.wait() == 0
    assert text(ws, "train") == "first" + "." * 100_000 + "last\ntrained\n"


def test_a_run_of_short_steps_leaves_nothing_beside_the_log(ws, start, home):
    Path("enough").touch()
    assert start().wait() == 0
    assert not os.path.exists(home / "home" / "running")


class Board:
    """Fails as a full disk does, until there is space."""

    def __init__(self):
        self.full = True
        self.shown = []

    @contextmanager
    def open(self, run):
        yield self

    def show(self, steps):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.shown += steps

    def remove(self, steps):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_fails_no_step_and_is_tried_again(monkeypatch):
    monkeypatch.setattr(live_threads, "_PAUSE", 0.1)
    running, board = RunningSteps(), Board()
    with showing("run", running, board.open):
        running["train"] = datetime.now(UTC)
        time.sleep(1.5)
        board.full = False
        wait_for(lambda: board.shown)
        del running["train"]
    assert board.shown[0].step == "train"


class Store:
    """Discards what is stored."""

    @contextmanager
    def create(self):
        yield self

    def write(self, data):
        pass


@pytest.fixture
def output():
    return CapturedOutput(Store())


def test_the_text_so_far_is_the_last_characters_with_their_position(output):
    assert output.so_far() == (0, "")
    whole = ""
    for number in range(40_000):
        output.write(f"line {number} größe\n")
        whole += f"line {number} größe\n"
    position, text = output.so_far()
    assert position == len(whole) - 65_536
    assert text == whole[position:]


def test_no_secret_is_in_the_text_so_far_not_even_its_beginning(output, monkeypatch):
    monkeypatch.setattr(redaction, "_shown", {})
    monkeypatch.setattr(redaction, "_pattern", None)
    redaction.remember("hunter2hunter2", "{{db.password}}")
    output.write("the password is hunter2hun")
    assert output.so_far() == (0, "the password is ")
    output.write("ter2, or was\n")
    assert output.so_far() == (0, "the password is {{db.password}}, or was\n")


def test_a_process_that_a_step_forks_runs_pipelines_of_its_own(ws, home):
    def fork() -> int:
        time.sleep(0.7)  # by now the step is shown
        process = os.fork()
        if not process:
            try:
                with Workspace.open() as own:
                    own.runs.start(single(in_a_fork))
                os._exit(0)
            finally:
                os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    run = ws.runs.start(single(fork))
    assert ws.runs.load(run.id, "only") == 0


def in_a_fork() -> None:
    time.sleep(0.7)
