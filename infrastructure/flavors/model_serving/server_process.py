"""Server processes of this machine that outlive the command that has started them.

Each is the first of a process group of its own, and whatever it starts belongs to that group. It is
found again by its process id and the time at which it started, so that a process which was given
the same id later is never taken for it.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

GRACE = 10.0
"""Seconds that a server gets to end by itself."""
_KILLING = 5.0
"""Seconds within which the system ends what it was told to kill."""
_GLANCE = 0.05
_PROC = Path("/proc")
_BOOT = _PROC / "sys" / "kernel" / "random" / "boot_id"


class ServerProcess(NamedTuple):
    """A server's first process, whose id is also that of its group."""

    pid: int
    started: str
    """When, in the system's own words: no other process with this id has the same."""


class _Listed(NamedTuple):
    """A process, as the system lists it."""

    pid: int
    group: int
    alive: bool
    """Not if it has ended, and nobody has asked for its exit code yet."""
    started: str


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> ServerProcess:
    """Start a server in a session of its own.

    Args:
        command: Its program, by its path, and its arguments.
        environment: All its variables.
        log: What its standard output and error are appended to; nobody else may read it.

    Raises:
        OSError: It cannot be started.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # No Popen: that would warn when it is forgotten while the server goes on.
    pid = os.posix_spawn(
        command[0],
        [*command],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP],
    )
    started = next((each.started for each in _listed() if each.pid == pid), "")
    return ServerProcess(pid, started)


def alive(server: ServerProcess) -> bool:
    """Whether anything of it is."""
    found = [*_listed()]
    first = next((each for each in found if each.pid == server.pid), None)
    if first and first.started != server.started:
        # The system gives a process no id that a group still has. So the group is gone, too.
        return False
    if first and not first.alive:
        # If we have started it, nobody else asks for its end.
        with suppress(ChildProcessError):
            os.waitpid(server.pid, os.WNOHANG)
    return any(each.group == server.pid and each.alive for each in found)


def is_of_another_boot(server: ServerProcess) -> bool:
    """Whether it was started before this machine was, as far as the system tells."""
    if not _BOOT.exists():
        return False
    return server.started.partition(":")[0] != _BOOT.read_text().strip()


def end(server: ServerProcess, grace: float = GRACE) -> None:
    """End it, and return once it has ended.

    Args:
        server: Which.
        grace: Seconds that it gets to end by itself, before it is killed.

    Raises:
        PermissionError: It is another user's.
    """
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, _KILLING)):
        until = time.monotonic() + seconds
        if not alive(server):
            return
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        while time.monotonic() < until:
            if not alive(server):
                return
            time.sleep(_GLANCE)


def _listed() -> Iterator[_Listed]:
    if _BOOT.exists():
        return _listed_by_linux(_PROC, _BOOT.read_text().strip())
    return _listed_by_ps()


def _listed_by_linux(proc: Path, boot: str) -> Iterator[_Listed]:
    """As /proc lists them; see proc_pid_stat(5)."""
    for name in os.listdir(proc):
        if name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                # The second field is the program's name, which may hold anything.
                fields = (
                    (proc / name / "stat").read_text(errors="replace").rpartition(")")[2].split()
                )
                started = f"{boot}:{fields[19]}"
                yield _Listed(int(name), int(fields[2]), fields[0] not in "ZX", started)


def _listed_by_ps() -> Iterator[_Listed]:
    """As the program of that name lists them, where there is no /proc."""
    command = ["ps", "-A", "-o", "pid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart="]
    listed = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    for line in listed.stdout.splitlines():
        pid, group, state, started = line.split(maxsplit=3)
        yield _Listed(int(pid), int(group), state[0] not in "ZX", " ".join(started.split()))
