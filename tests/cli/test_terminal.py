"""Behaviour that differs on a terminal."""

import json
import signal
import subprocess
import sys

import pytest
from command_line import in_a_process
from terminal import PROGRAM, on_a_terminal

from stackfold.cli.progress_bar import bar


@pytest.fixture
def spare(cli):
    cli.ok("artifact-store", "register", "shared", "-f", "local")
    cli.ok("stack", "register", "spare", "-o", "default", "-a", "shared")
    return cli


@pytest.mark.parametrize("typed", ["n\n", "\n", "\x04", "\x03"], ids=["no", "", "end", "^C"])
def test_deletion_asks_for_confirmation(spare, typed):
    answer = on_a_terminal("stack", "delete", "spare", "-r", typed=typed)
    assert "Delete stack 'spare' and the components that only it uses? [y/N]" in answer.out
    assert answer.code == (130 if typed == "\x03" else 1)
    assert "error" not in answer.out
    assert "spare" in spare.ok("stack", "list")


def test_yes_deletes(spare):
    answer = on_a_terminal("stack", "delete", "spare", typed="y\n")
    assert answer.code == 0
    assert answer.out.endswith("stack 'spare' deleted, revision 2\n")
    assert "spare" not in spare.ok("stack", "list")


def test_yes_skips_the_confirmation(spare):
    assert "[y/N]" not in on_a_terminal("stack", "delete", "spare", "-y").out


def test_a_missing_name_is_an_error_before_confirmation(spare):
    answer = on_a_terminal("stack", "delete", "nope")
    assert answer.out == "error: there is no stack 'nope': there is default, spare\n"


@pytest.mark.parametrize("typed", ["n\n", "y\n"])
def test_a_revert_asks_before_changing_shared_components(spare, typed):
    spare.ok("stack", "register", "other", "-o", "default", "-a", "shared")
    position = spare.json("log", "head")["position"]
    spare.ok("artifact-store", "update", "shared", "--path", "x")
    back = ("stack", "revert", "spare", "--as-of", f"#{position}", "--with-components")
    answer = on_a_terminal(*back, typed=typed)
    assert "'shared' is also used by 'other' and would change there too. Go on? [y/N]" in answer.out
    assert answer.code == (0 if typed == "y\n" else 1)
    done = "artifact store 'shared' reverted, revision 3\n  path: x → -\n"
    assert answer.out.endswith(done if typed == "y\n" else "note: nothing is changed\n")


def test_a_short_operation_shows_no_bar(cli):
    cli.ok("stack", "list")
    assert on_a_terminal("log", "verify").out.startswith("4 events verified")


def test_a_long_operation_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with bar("counting", 4) as tell:
        tell(1)
        tell(3)
    shown = capsys.readouterr().err
    assert "counting" in shown
    assert "75%" in shown


def test_there_is_no_bar_without_a_terminal(capsys):
    with bar("counting", 4) as tell:
        assert tell is None


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_following_the_log_ends_with_an_interrupt(cli, form):
    cli.ok("stack", "list")
    command = [sys.executable, "-c", PROGRAM, "log", "--follow", "--output", form]
    command += ["--type", "orchestrator", "--columns", "position,what"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        first = following.stdout.readline()
        if form == "table":
            assert first.split() == ["POSITION", "WHAT"]
            first = following.stdout.readline()
        assert "orchestrator 'default' registered" in first
        cli.ok("artifact-store", "register", "other", "-f", "local")
        cli.ok("orchestrator", "register", "mine", "-f", "local")
        line = following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 130
    if form == "table":
        assert line == "#6        orchestrator 'mine' registered\n"
    else:
        assert json.loads(line) == {"position": 6, "what": "orchestrator 'mine' registered"}


def test_a_table_fits(spare):
    wide = on_a_terminal("artifact-store", "list", columns=120).out
    narrow = on_a_terminal("artifact-store", "list", columns=50).out
    assert "ada@example.com" in wide
    assert "note: no room for" in narrow
    assert (
        max(map(len, narrow.replace("\033[1m", "").replace("\033[0m", "").splitlines()[:-1])) <= 50
    )


def test_a_closed_pipe_is_not_an_error(spare):
    broken = (
        "import os\nread, write = os.pipe()\nos.dup2(write, 1); os.close(write); os.close(read)\n"
    )
    answer = in_a_process("stack", "list", before=broken)
    assert (answer.code, answer.err) == (1, "")
    answer = in_a_process("stack", "list", "--name", "spare", before=broken)
    assert (answer.code, answer.err) == (1, "")


def test_characters_that_the_terminal_cannot_encode_are_escaped(cli):
    cli.ok("orchestrator", "register", "bücher", "-f", "local")
    answer = in_a_process("orchestrator", "list", environment={"PYTHONIOENCODING": "ascii"})
    assert answer.code == 0
    assert "b\\xfccher" in answer.out


def test_an_error_is_marked_in_colour(cli):
    assert on_a_terminal("run", "describe", "x", colour=True).out.startswith(
        "\033[1;31merror:\033[0m there is no run 'x'"
    )
    assert on_a_terminal("run", "describe", "x").out.startswith("error: there is no run 'x'")


def test_history_at_80_columns_keeps_changes_and_reasons(spare):
    reason = "the disk of the old machine is full, and the new one is faster"
    spare.ok("artifact-store", "update", "shared", "--path=elsewhere", "-m", reason)
    for words in (("stack", "history", "spare"), ("log",)):
        shown = on_a_terminal(*words).out
        assert "    path: elsewhere\n" in shown
        assert f"    “{reason}”\n" in shown
        assert "no room" not in shown
        assert max(map(len, shown.splitlines())) <= 80
