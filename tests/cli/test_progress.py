"""The progress of a run, on a terminal and elsewhere."""

import sys

import pytest

from stackfold.application.runs.progress import StepEnd
from stackfold.cli.progress import show_progress
from stackfold.cli.times import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (0.0234, "0.02 s"),
        (3.44, "3.4 s"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
    ],
)
def test_the_format_of_a_duration(seconds, text):
    assert duration(seconds) == text


def a_run(listener):
    listener.run_started("churn-1", ["load", "train", "test", "report"], ["load"])
    listener.step_started("train")
    listener.step_retried("train", 2, "OSError: not yet", 1.5)
    listener.step_ended(StepEnd("train", "completed", 2.25))
    listener.step_started("test")
    listener.step_ended(StepEnd("test", "failed", 0.5, "ValueError: no"))
    listener.step_ended(StepEnd("report", "skipped", 0.0, "step 'test' failed"))
    listener.run_ended("failed")


LINES = """\
run churn-1: 4 steps, 1 completed before
step train failed: OSError: not yet; attempt 2 begins in 1.5 s
step train completed after 2.2 s
step test failed after 0.50 s: ValueError: no
step report skipped: step 'test' failed
"""


def test_without_a_terminal_each_step_has_a_line_on_stderr(capsys):
    with show_progress() as listener:
        a_run(listener)
    assert capsys.readouterr() == ("", LINES)


def test_quiet_prints_no_progress(capsys):
    with show_progress(quiet=True) as listener:
        a_run(listener)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_running_steps_below_the_lines(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with show_progress() as listener:
        listener.run_started("churn-1", ["load", "train"], [])
        listener.step_started("load")
        listener._live.refresh()
        print("from the step")
        listener.step_ended(StepEnd("load", "completed", 0.25))
    out, err = capsys.readouterr()
    assert out == "from the step\n"
    assert "  load 0.0" in err
    assert "0 of 2 steps" in err
    assert "step load completed after 0.25 s" in err


def test_a_progress_bar_updates_one_line_beside_its_step(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with show_progress() as listener:
        listener.run_started("churn-1", ["load"], [])
        listener.step_started("load")
        print("10 %", end="\r")
        print("20 %", end="\r")
        listener._live.refresh()
        print("done")
        listener.step_ended(StepEnd("load", "completed", 0.25))
    out, err = capsys.readouterr()
    assert out == ""
    assert "s  20 %" in err
    assert "done\n" in err
    assert "10 %\n" not in err


def test_a_line_without_an_end_is_shown_before_the_end_of_its_step(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with show_progress() as listener:
        listener.run_started("churn-1", ["load"], [])
        listener.step_started("load")
        print("\r90 %", end="", file=sys.stderr)
        print("printed meanwhile")
        listener._live.refresh()
        listener.step_ended(StepEnd("load", "completed", 0.25))
    err = capsys.readouterr().err
    assert "s  90 %" in err
    assert err.index("90 %\n") < err.index("step load completed")
