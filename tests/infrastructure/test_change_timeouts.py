"""The time that a change may take: `Workspace.change(timeout=…)`."""

import subprocess
import sys
import threading
import time
from contextlib import nullcontext

import pytest
from replay import assert_consistent
from workspaces import stack

from stackfold.domain.errors import ChangeTimedOut
from stackfold.infrastructure.workspace import Workspace


def names(ws):
    return [view.name for view in ws.stacks.list()]


WRITER = """
import sys, time
from stackfold import Workspace
with Workspace.open(sys.argv[1]) as ws:
    for line in sys.stdin:
        began = time.monotonic()
        ws.stacks.copy("default", line.strip())
        print(time.monotonic() - began, flush=True)
"""


@pytest.fixture
def writer(tmp_path):
    """Registers a stack in another process; returns the seconds that it waited."""
    Workspace.open(tmp_path / "home").close()
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path / "home"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def write(name):
        print(name, file=process.stdin, flush=True)
        return float(process.stdout.readline())

    write("warm")
    with process:
        yield write
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.parametrize("nested", [False, True], ids=["alone", "nested"])
def test_other_processes_can_write_while_a_block_hangs(tmp_path, writer, nested):
    with Workspace.open(tmp_path / "home") as ws:
        stack(ws, "c")  # the first one takes longer
        for end in (lambda: None, lambda: stack(ws, "b"), lambda: names(ws)):
            name = f"theirs-{len(names(ws))}"
            with pytest.raises(ChangeTimedOut):  # noqa: PT012, SIM117
                with ws.change(timeout=0.5), ws.change() if nested else nullcontext():
                    stack(ws, "a")
                    assert 0.05 < writer(name) < 3
                    end()
            assert name in names(ws)
            assert not {"a", "b"} & {*names(ws)}
        stack(ws, "d")
        assert_consistent(ws)
        assert ws.log.verify().intact


def test_an_error_caught_after_the_time_does_not_let_the_block_succeed(ws):
    with pytest.raises(ChangeTimedOut):  # noqa: PT012, SIM117
        with ws.change(timeout=0.1) as change:
            stack(ws, "a")
            time.sleep(0.3)
            for command in (lambda: stack(ws, "b"), lambda: change.execute("SELECT 1")):
                with pytest.raises(ChangeTimedOut):
                    command()
    assert names(ws) == ["default"]
    assert_consistent(ws)


def test_a_statement_that_takes_too_long_is_aborted(ws):
    if ws.store:
        pytest.skip("the server limits statements by its own settings")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(ChangeTimedOut):  # noqa: PT012, SIM117
        with ws.change(timeout=0.2) as change:
            stack(ws, "a")
            change.execute(endless)
    stack(ws, "c")
    assert names(ws) == ["c", "default"]


def test_changes_that_end_at_their_time_are_recorded_or_not_as_they_say(tmp_path):
    with Workspace.open(tmp_path / "home") as ws:
        stack(ws, "first")
        recorded = {"default", "first"}
        for number in range(60):
            name = f"s{number}"
            try:
                with ws.change(timeout=0.02):
                    stack(ws, name)
                    time.sleep(max(0, 0.008 + number / 6000))
                recorded.add(name)
            except ChangeTimedOut:
                pass
        assert {*names(ws)} == recorded
        assert threading.active_count() < 5
        assert_consistent(ws)
