"""Runs commands on a pseudo-terminal."""

import os
import pty
import select
import sys
import time

from command_line import Answer

PROGRAM = "from stackfold.cli.main import main; main()"


def on_a_terminal(*words: str, typed: str = "", columns: int = 80, colour: bool = False) -> Answer:
    """Run a command with a pseudo-terminal as stdin, stdout and stderr.

    Args:
        *words: The command.
        typed: The input at its first prompt.
        columns: The width of the terminal.
        colour: Whether the terminal shows colours.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.environ["COLUMNS"] = str(columns)
        os.environ["NO_COLOR"] = "" if colour else "1"
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *words])
    shown = b""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # so ends a terminal on Linux
            break
        if not piece:
            break
        shown += piece
        if typed and b"[y/N]" in shown:
            os.write(terminal, typed.encode())
            typed = ""
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    text = shown.decode().replace("\r\n", "\n")
    return Answer(os.waitstatus_to_exitcode(status), text, "")
