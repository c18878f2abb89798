"""Commands for runs whose output differs from run to run, or depends on the terminal."""

import json
import signal
import subprocess
import sys
import time

import pytest
from command_line import in_a_process
from terminal import PROGRAM, on_a_terminal

SLOW = """\
import time
from pathlib import Path
from stackfold import pipeline, step

@step
def begin() -> int:
    print("begun")
    return 1

@step
def wait(number: int) -> int:
    Path("waiting").touch()
    time.sleep(0 if Path("go").exists() else 60)
    return number

@pipeline
def slow(number: int = 1):
    wait(begin())
"""


OBJECTS = """\
from dataclasses import dataclass
from pathlib import Path
from stackfold import pipeline, step

@dataclass
class Report:
    where: Path = Path("x")
    tags: frozenset = frozenset("ba")

@step
def make() -> Report:
    return Report()

@pipeline
def making():
    make()
"""


def test_an_object_of_a_user_class_is_printed_as_json(cli, tmp_path):
    (tmp_path / "here" / "objects.py").write_text(OBJECTS)
    assert in_a_process("pipeline", "run", "objects.py").code == 0
    told = in_a_process("artifact", "load", "making/make")
    assert told.code == 0
    assert json.loads(told.out) == {"where": "x", "tags": ["a", "b"]}


@pytest.fixture
def here(cli, tmp_path):
    """The folder of the command line, with a pipeline that waits until there is a file `go`."""
    folder = tmp_path / "here"
    (folder / "slow.py").write_text(SLOW)
    return folder


def test_ctrl_c_cancels_a_run_that_can_be_resumed(cli, here):
    command = [sys.executable, "-c", PROGRAM, "pipeline", "run", "slow.py"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 20
        while not (here / "waiting").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130
        assert "Traceback" not in running.stderr.read()
    (run,) = cli.json("run", "list")
    assert run["status"] == "cancelled"
    (here / "go").touch()
    resumed = cli("run", "resume", "slow", "--quiet")
    assert (resumed.code, resumed.err) == (0, "")
    assert cli.json("run", "describe", "slow")["status"] == "completed"


def test_a_terminal_shows_progress(cli, here):
    (here / "go").touch()
    answer = on_a_terminal("pipeline", "run", "slow.py")
    assert answer.code == 0
    assert "step wait completed after" in answer.out
    assert answer.out.count("begun\n") == 1
    assert "begun" in on_a_terminal("run", "logs", "slow", "begin").out


def test_quiet_prints_no_progress(cli, here):
    (here / "go").touch()
    answer = in_a_process("pipeline", "run", "slow.py", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("begun\nrun 'slow-")


def test_a_diff_as_a_table(cli, here):
    (here / "go").touch()
    cli("pipeline", "run", "slow.py")
    cli.ok("orchestrator", "register", "other", "-f", "local")
    cli.ok("stack", "register", "other", "-o", "other", "-a", "default", "-m", "to try it")
    cli("pipeline", "run", "slow.py", "--stack", "other", "-p", "number=2")
    after, before = (run["name"] for run in cli.json("run", "list"))
    differences, changes = cli.ok("run", "diff", before, after).split(
        "\n\nchanges between the runs\n"
    )
    assert differences.splitlines()[0].split() == ["ABOUT", "FIELD", "BEFORE", "AFTER"]
    assert ["parameters", "number", "1", "2"] in [line.split() for line in differences.splitlines()]
    assert "stack 'other' registered" in changes
    assert "to try it" in changes
    told = cli.json("run", "diff", before, after)
    assert list(told) == ["before", "after", "differences", "changes"]
    assert told["changes"][0]["name"] == "other"


def test_progress_without_a_terminal_does_not_load_rich(cli, here):
    (here / "go").touch()
    tell = "import atexit; atexit.register(lambda: print('rich' in sys.modules))"
    assert in_a_process("pipeline", "run", "slow.py", before=tell).out.endswith("False\n")


def test_a_skipped_step_has_a_reason_and_an_error_is_printed_once(cli, here):
    (here / "odd.py").write_text(
        "import threading\n"
        "from stackfold import pipeline, step\n\n"
        "@step\ndef make() -> object:\n    return threading.Lock()\n\n"
        "@step\ndef take(made: object) -> int:\n    return 1\n\n"
        "@pipeline\ndef odd():\n    take(make())\n"
    )
    answer = cli("pipeline", "run", "odd.py", "--quiet")
    (line,) = answer.err.splitlines()
    assert (answer.code, line.partition(": ")[0]) == (1, "error")
    assert "cannot be stored" in line
    told = cli.ok("run", "describe", "odd")
    (row,) = (row for row in told.splitlines() if row.startswith("take"))
    assert row.split("  ")[:3] == ["take", "skipped", "step 'make' failed"]
