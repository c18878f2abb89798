"""A script that calls a pipeline shows its progress on stderr; other programs do not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from stackfold import RunConfiguration, Workspace, pipeline, step

@step(enable_cache=False)
def load() -> int:
    return 1

def deeper(rows):
    raise ValueError(f"too few: {rows}")

@step
def train(rows: int) -> int:
    return deeper(rows)

@step(enable_cache=False)
def nested(rows: int) -> int:
    short()
    return rows

@pipeline
def short() -> None:
    load()

@pipeline
def outer() -> None:
    nested(load())

@pipeline
def broken() -> None:
    train(load())

if __name__ == "__main__":
    import sys
    exec(sys.argv[1])
    print("done")
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    Path("churn.py").write_text(PROGRAM)
    Path("shop").mkdir()
    Path("shop/__main__.py").write_text(PROGRAM)


def lines(text, *program, **environment):
    """The exit code, stdout and the lines on stderr of a program, without durations."""
    done = subprocess.run(
        [sys.executable, *(program or ["churn.py"]), text],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    shown = [line.partition(" after ")[0].partition("-")[0] for line in done.stderr.splitlines()]
    return done.returncode, done.stdout, shown


SHOWN = ["run short", "step load completed"]


@pytest.mark.parametrize("program", [["churn.py"], ["-m", "churn"], ["-m", "shop"]])
def test_a_script_shows_a_line_per_step_on_stderr_and_stdout_stays_its_own(program):
    assert lines("short()", *program) == (0, "done\n", SHOWN)


def test_also_with_a_configuration_and_in_a_block():
    assert lines("short.run(configuration={'tags': ['a']})") == (0, "done\n", SHOWN)
    assert lines("with Workspace.open():\n short()") == (0, "done\n", SHOWN)


@pytest.mark.parametrize(
    "text",
    [
        "short.run(configuration=RunConfiguration(quiet=True))",
        "short.run(configuration={'quiet': True})",
        "with Workspace.open() as ws: ws.run(short)",
        "with Workspace.open() as ws: ws.runs.start(short)",
        "import threading; t = threading.Thread(target=short); t.start(); t.join()",
    ],
)
def test_nothing_is_shown_if_not_wanted_or_if_no_script_calls_it(text):
    assert lines(text) == (0, "done\n", [])


def test_nothing_is_shown_if_the_environment_says_so():
    assert lines("short()", STACKFOLD_QUIET="1") == (0, "done\n", [])
    assert lines("short()", STACKFOLD_QUIET="0") == (0, "done\n", SHOWN)


def test_being_quiet_is_not_recorded():
    code, out, _ = lines("print(short.run(configuration={'quiet': True}).describe().configuration)")
    assert (code, out) == (0, "{}\ndone\n")


def test_a_program_without_a_script_shows_nothing():
    assert lines("import churn; churn.short()", "-c") == (0, "", [])


@pytest.mark.slow
def test_a_test_shows_nothing():
    Path("test_churn.py").write_text("import churn\ndef test_it():\n    churn.short()\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_churn.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "step load" not in done.stdout + done.stderr


def test_a_run_within_a_step_is_not_shown():
    assert lines("outer()") == (
        0, "done\n", ["run outer", "step load completed", "step nested completed"]
    )  # fmt: skip


def test_an_error_shows_the_frames_of_the_step_and_of_the_script_only():
    done = subprocess.run(
        [sys.executable, "churn.py", "broken()"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    shown = done.stderr.replace(f"{os.getcwd()}/", "").splitlines()
    assert [line.strip() for line in shown if line.startswith("  File ")] == [
        'File "churn.py", line 13, in train',
        'File "churn.py", line 9, in deeper',
        'File "churn.py", line 34, in <module>',
        'File "<string>", line 1, in <module>',
    ]
    assert shown[-1].startswith("stackfold.errors.RunFailed: run 'broken")


def test_an_interruption_shows_the_same_frames_only():
    Path("stopped.py").write_text(
        "from stackfold import pipeline, step\n\n"
        "@step\ndef wait() -> None:\n    raise KeyboardInterrupt\n\n"
        "@pipeline\ndef waiting() -> None:\n    wait()\n\n"
        "waiting()\n"
    )
    done = subprocess.run(
        [sys.executable, "stopped.py"], capture_output=True, text=True, check=False
    )
    shown = [line.strip() for line in done.stderr.splitlines()]
    assert [line.rpartition("/")[2] for line in shown if line.startswith("File ")] == [
        'stopped.py", line 11, in <module>',
        'stopped.py", line 5, in wait',
    ]
    assert shown[-1] == "KeyboardInterrupt"
