"""Server processes of this machine that outlive the command that started them.

Each leads a process group, to which the processes that it starts belong. It is identified by its
process id and start time, so a later process with the same id is never taken for it.
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
"""Seconds between SIGTERM and SIGKILL."""
_KILL_TIMEOUT = 5.0
"""Seconds to wait after SIGKILL."""
_POLL_INTERVAL = 0.05
_PROC = Path("/proc")
_BOOT = _PROC / "sys" / "kernel" / "random" / "boot_id"


class ServerProcess(NamedTuple):
    """A server's first process, whose id is also that of its group."""

    pid: int
    started: str
    """The start time as the system writes it; unique among processes with this id."""


class _Listed(NamedTuple):
    """A process in the system's list."""

    pid: int
    group: int
    alive: bool
    """False for a zombie: it has ended, and its exit code was not collected yet."""
    started: str


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> ServerProcess:
    """Start a server in a new session.

    Args:
        command: The path of the program, and its arguments.
        environment: All environment variables of the server.
        log: The file to append standard output and error to; created readable by its owner only.

    Raises:
        OSError: It cannot be started.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # Not Popen: it warns when it is garbage-collected while its process is running.
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
    """Return whether any process of the server's group is alive."""
    processes = [*_listed()]
    leader = next((each for each in processes if each.pid == server.pid), None)
    if leader and leader.started != server.started:
        # The system does not reuse the id of an existing group, so the group has ended.
        return False
    if leader and not leader.alive:
        # If it is a child of this process, collect its exit code.
        with suppress(ChildProcessError):
            os.waitpid(server.pid, os.WNOHANG)
    return any(each.group == server.pid and each.alive for each in processes)


def is_of_another_boot(server: ServerProcess) -> bool:
    """Return whether the server was started before the last boot; False if that is unknown."""
    if not _BOOT.exists():
        return False
    return server.started.partition(":")[0] != _BOOT.read_text().strip()


def end(server: ServerProcess, grace: float = GRACE) -> None:
    """Terminate a server and all processes of its group, and wait until they have ended.

    Args:
        server: The server.
        grace: Seconds between SIGTERM and SIGKILL.

    Raises:
        PermissionError: It belongs to another user.
    """
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, _KILL_TIMEOUT)):
        deadline = time.monotonic() + seconds
        if not alive(server):
            return
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        while time.monotonic() < deadline:
            if not alive(server):
                return
            time.sleep(_POLL_INTERVAL)


def _listed() -> Iterator[_Listed]:
    if _BOOT.exists():
        return _listed_by_linux(_PROC, _BOOT.read_text().strip())
    return _listed_by_ps()


def _listed_by_linux(proc: Path, boot: str) -> Iterator[_Listed]:
    """The processes in /proc; see proc_pid_stat(5)."""
    for name in os.listdir(proc):
        if name.isdigit():
            with suppress(OSError):  # it has ended in the meantime
                # The second field is the program's name, which may contain spaces and brackets.
                fields = (
                    (proc / name / "stat").read_text(errors="replace").rpartition(")")[2].split()
                )
                started = f"{boot}:{fields[19]}"
                yield _Listed(int(name), int(fields[2]), fields[0] not in "ZX", started)


def _listed_by_ps() -> Iterator[_Listed]:
    """The processes that ps lists, for systems without /proc."""
    command = ["ps", "-A", "-o", "pid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart="]
    listed = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    for line in listed.stdout.splitlines():
        pid, group, state, started = line.split(maxsplit=3)
        yield _Listed(int(pid), int(group), state[0] not in "ZX", " ".join(started.split()))
