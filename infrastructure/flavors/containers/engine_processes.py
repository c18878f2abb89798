"""Running a program, and terminating it with all processes that it has started."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_OUTPUT_TAIL = 64 * 1024
"""Bytes of the end of the output that are kept."""
_REASON = re.compile(r"\b(error|unknown|cannot|denied|refused)\b", re.IGNORECASE)
"""Occurs in lines that say why a program failed."""


class Outcome(NamedTuple):
    """The result of a program."""

    code: int
    output: str
    """The end of its output."""

    @property
    def reason(self) -> str:
        """Why it failed, in one line of its output."""
        lines = [" ".join(each.split()) for each in self.output.splitlines() if each.strip()]
        reasons = [each for each in lines if _REASON.search(each)]
        text = "; ".join(dict.fromkeys((reasons or lines)[-2:]))
        return text[-400:] or f"it ended with exit code {self.code}"


def run(command: Sequence[str], timeout: float, environment: Mapping[str, str]) -> Outcome:
    """Run a program and wait until it has ended.

    It is terminated with all processes that it has started if it times out, or if this call is
    interrupted.

    Args:
        command: The program and its arguments.
        timeout: Seconds until it must have ended.
        environment: All environment variables of the program.

    Raises:
        TimeoutExpired: It timed out.
    """
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(  # noqa: S603  # the engine that the user chose
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            process.wait(timeout)
        except BaseException:
            _end(process)
            raise
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - _OUTPUT_TAIL))
        return Outcome(process.returncode, printed.read().decode(errors="replace"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    # Processes in a container are not in the program's group, and ignore SIGTERM.
    started = _descendants(process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pid, since in started.items():
        if _parent_and_start(pid)[1] == since:  # not a later process with the same id
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _descendants(ancestor: int) -> dict[int, str]:
    """The processes that a process has started, directly or indirectly: id → start time."""
    known = {
        pid: _parent_and_start(pid)
        for pid in (int(each.name) for each in Path("/proc").glob("[0-9]*"))
    }
    found: dict[int, str] = {}
    parents = {ancestor}
    while parents:
        children = {pid for pid, (parent, _) in known.items() if parent in parents} - {*found}
        found |= {pid: known[pid][1] for pid in children}
        parents = children
    return found


def _parent_and_start(pid: int) -> tuple[int, str]:
    """The parent and the start time of a process, from /proc; (0, "") if there is none."""
    try:
        # The name, in parentheses, may contain spaces and parentheses.
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        return int(fields[1]), fields[19]
    except (OSError, ValueError, IndexError):
        return 0, ""
