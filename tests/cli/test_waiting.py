"""On a terminal, a command that takes long says what it waits for."""

import os
import pty
import sys

import pytest
from command_line import in_a_process

SLOW = """
import time
from stackfold.cli.main import main
from stackfold.infrastructure.eventstore.log import Log

export = Log.export

def slowly(*given):
    time.sleep(2.5)
    return export(*given)

Log.export = slowly
"""


@pytest.mark.slow
def test_a_terminal_shows_what_is_waited_for_and_how_long(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-c", f"{SLOW}\nmain()", "log", "export", "a"])
    seen = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # so ends a terminal on Linux
            break
        seen += piece
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    text = seen.decode()
    assert "events: 1." in text
    assert "events written to a, head" in text.splitlines()[-1]


@pytest.mark.slow
def test_elsewhere_nothing_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    done = in_a_process("log", "export", str(tmp_path / "a"), before=SLOW)
    assert (done.code, done.err) == (0, "")
