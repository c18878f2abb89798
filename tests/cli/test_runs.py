"""Commands for runs whose output differs from run to run, or depends on the terminal."""

import json
import re
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


TOTAL = """\
from stackfold import pipeline, step

@step
def count(limit: int) -> int:
    return limit

@step
def total(count: int, limit: int) -> int:
    return sum(range(count))

@pipeline
def totals(limit: int = 4):
    total(count(limit), limit)
"""

CLOCK = """\
import time
from stackfold import pipeline, step

@step(enable_cache=False)
def now() -> int:
    return time.time_ns()

@pipeline
def clock():
    now()
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


def test_a_diff_shows_causes_with_values_and_counts_consequences(cli, here):
    (here / "go").touch()
    cli("pipeline", "run", "slow.py")
    cli.ok("orchestrator", "register", "other", "-f", "local")
    cli.ok("stack", "register", "other", "-o", "other", "-a", "default", "-m", "to try it")
    cli("pipeline", "run", "slow.py", "--stack", "other", "-p", "number=2")
    after, before = (run["name"] for run in cli.json("run", "list"))
    changes, causes = cli.ok("run", "diff", before, after).split("\n\ncauses\n")
    assert "ada@example.com: stack 'other' registered (to try it)" in changes
    assert [line.split() for line in causes.splitlines()] == [
        ["stack", "stack", "default", "→", "other"],
        ["stack", "orchestrator", "default", "→", "other"],
        ["parameters", "number", "1", "→", "2"],
    ]
    told = cli.json("run", "diff", before, after)
    assert list(told) == ["before", "after", "differences", "changes", "values"]
    assert told["changes"][0]["name"] == "other"


def test_a_diff_does_not_repeat_what_a_change_explains(cli, here):
    (here / "total.py").write_text(TOTAL)
    cli.ok("artifact-store", "register", "lake", "-f", "local", "--path=lake")
    cli.ok("stack", "register", "lab", "-o", "default", "-a", "lake")
    cli("pipeline", "run", "total.py", "--stack", "lab", "-q")
    cli.ok("artifact-store", "update", "lake", "--path=pond", "-m", "the lake is full")
    cli("pipeline", "run", "total.py", "--stack", "lab", "-q", "-p", "limit=5")
    after, before = (run["name"] for run in cli.json("run", "list"))
    changes, causes, consequences = cli.ok("run", "diff", before, after).split("\n\n")
    assert changes.endswith("artifact store 'lake' updated (the lake is full)\n  path: lake → pond")
    assert causes == "causes\nparameters  limit  4 → 5"
    assert consequences == (
        "consequences\n"
        "outputs  count.output  4 → 5\n"
        "outputs  total.output  6 → 10\n"
        "3 values downstream, the first output is count.output (--output json shows all)\n"
    )
    fields = {each["field"] for each in cli.json("run", "diff", before, after)["differences"]}
    assert fields > {"artifact_store.path", "total.limit", "count.output", "total.output"}


def test_differences_without_a_cause_are_said_to_have_none(cli, here):
    (here / "clock.py").write_text(CLOCK)
    for _ in range(2):
        cli("pipeline", "run", "clock.py", "-q")
    after, before = (run["name"] for run in cli.json("run", "list"))
    title, output, rest = cli.ok("run", "diff", before, after).splitlines()
    assert title == "differences without a recorded cause"
    assert re.fullmatch(r"outputs  now\.output  \d+ → \d+", output)
    assert rest == "1 value downstream, the first output is now.output (--output json shows all)"


def test_a_diff_is_coloured_on_a_terminal(cli, here):
    (here / "total.py").write_text(TOTAL)
    for limit in ("4", "5"):
        cli("pipeline", "run", "total.py", "-q", "-p", f"limit={limit}")
    after, before = (run["name"] for run in cli.json("run", "list"))
    shown = on_a_terminal("run", "diff", before, after, colour=True).out
    assert "parameters  limit  \033[31m4\033[0m → \033[32m5\033[0m\n" in shown
    unified = on_a_terminal("run", "diff", before, after, "--output", "unified", colour=True).out
    assert "\033[31m-parameters limit: 4\033[0m\n\033[32m+parameters limit: 5\033[0m\n" in unified
    assert "\033" not in on_a_terminal("run", "diff", before, after).out


def test_a_list_and_a_description_show_durations(cli, here):
    (here / "total.py").write_text(TOTAL)
    for _ in range(2):
        cli("pipeline", "run", "total.py", "-q")
    for line in cli.ok("run", "list").splitlines()[1:]:
        assert line.endswith(" s")
    latest = cli.json("run", "list")[0]["name"]
    steps = cli.ok("run", "describe", latest).partition("\nsteps\n")[2].splitlines()
    assert steps[0].endswith("DURATION")
    assert steps[1].startswith("count  cached")
    assert steps[1].endswith("  -")  # nothing was executed


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


def test_a_comparison_on_a_narrow_terminal_suggests_no_option_that_it_lacks(cli, tmp_path):
    (tmp_path / "here" / "totals.py").write_text(TOTAL)
    for limit in ("4", "5"):
        cli.ok("pipeline", "run", "totals.py", "-q", "-p", f"limit={limit}")
    answer = on_a_terminal("run", "compare", "latest", "latest~1", columns=40)
    assert answer.code == 0
    assert "totals-" in answer.out
    assert "--columns" not in answer.out
