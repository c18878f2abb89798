"""Running a program that starts others, and ending all of them."""

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
"""Seconds in which a program that is ended may clean up."""
_LAST_WORDS = 64 * 1024
"""Bytes of what a program printed in which the reason is looked for."""


_TELLING = re.compile(r"\b(error|unknown|cannot|denied|refused)\b", re.IGNORECASE)
"""What there is in lines that say why something failed."""


class Outcome(NamedTuple):
    """What became of a program."""

    code: int
    output: str
    """The end of what it printed."""

    @property
    def reason(self) -> str:
        """Why it failed, as it said, in one line."""
        lines = [" ".join(each.split()) for each in self.output.splitlines() if each.strip()]
        telling = [each for each in lines if _TELLING.search(each)]
        told = "; ".join(dict.fromkeys((telling or lines)[-2:]))
        return told[-400:] or f"it ended with exit code {self.code}"


def run(command: Sequence[str], seconds: float, environment: Mapping[str, str]) -> Outcome:
    """Run a program until it has ended.

    Raises:
        TimeoutExpired: It took longer, and was ended with all that it had started. That is what
            becomes of it, too, when this is interrupted.
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
            process.wait(seconds)
        except BaseException:
            _end(process)
            raise
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - _LAST_WORDS))
        return Outcome(process.returncode, printed.read().decode(errors="replace"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    # What runs in a container is no longer of the program's group, and heeds no gentle signal.
    started = _descendants(process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pid, since in started.items():
        if _parent_and_start(pid)[1] == since:  # and not another one that got the number
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _descendants(ancestor: int) -> dict[int, str]:
    """The processes that one has started, and those these have: number → when it began."""
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
    """Which process started one, and when, as Linux tells; (0, "") if there is none."""
    try:
        # The name, in parentheses, may hold anything.
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        return int(fields[1]), fields[19]
    except (OSError, ValueError, IndexError):
        return 0, ""
