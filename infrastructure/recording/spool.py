"""The spool of a deployment: its settings, and the files of recorded requests not yet moved.

This module is imported by the processes of the gateway, so it imports the standard library only.
"""

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

FOLDER = "requests"
"""In the home; it has a folder for each deployment whose requests are recorded."""
SETTINGS = "settings.json"
ROTATE = "rotate"
"""The file by which a command asks the recorder to end its batch; deleted once that is done."""
LOCK = "lock"
"""The file that is locked while a recorder runs."""
OPEN = "open"
"""The start of the names of files that are being written."""
MAX_BYTES = 256 * 2**20
"""Bytes of batches that wait for their store; the oldest are deleted beyond that."""
_SUFFIX = ".jsonl"
_POLL = 0.02


class Settings(NamedTuple):
    """What is recorded of the requests of a deployment."""

    rate: float
    """The share of the requests, above 0 and up to 1."""
    leave_out: tuple[str, ...]
    """The fields that are never written."""
    home: str
    store: str | None
    """The address of the shared log; None for that of the home."""
    seconds: float = 300.0
    """How long a batch is written to."""
    bytes: int = 4 * 2**20
    """The size at which a batch ends."""


class Batch(NamedTuple):
    """A file with recorded requests, one per line."""

    path: Path
    first: int
    """The time of the first request, in milliseconds since 1970."""
    last: int
    requests: int
    """The number of requests."""

    @property
    def name(self) -> str:
        return self.path.name


def read_settings(folder: Path) -> Settings | None:
    """The settings; None if nothing is to be recorded."""
    try:
        content = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        return Settings(**{**content, "leave_out": tuple(content["leave_out"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_settings(folder: Path, settings: Settings) -> None:
    """Replace the settings, at once.

    Raises:
        OSError: They cannot be written.
    """
    incoming = folder / f"{SETTINGS}.{os.getpid()}"
    incoming.write_text(json.dumps(settings._asdict()), encoding="utf-8")
    incoming.replace(folder / SETTINGS)


def lock(folder: Path, seconds: float) -> int | None:
    """Lock the folder; the system unlocks it when all copies of the descriptor are closed.

    Args:
        folder: The folder.
        seconds: How long to wait for another process.

    Returns:
        A descriptor; None if another process has the lock.

    Raises:
        OSError: The folder does not exist.
    """
    import fcntl  # servers are started on systems that have it

    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError:
            if time.monotonic() >= end:
                os.close(descriptor)
                return None
            time.sleep(_POLL)


def closed_name(first: int, last: int, count: int) -> str:
    """The name of a batch, from which `closed_batches` reads its times."""
    return f"{first:013d}-{last:013d}-{count}-{uuid4().hex[:8]}{_SUFFIX}"


def closed_batches(folder: Path) -> Sequence[Batch]:
    """The batches that are complete, the oldest first."""
    found = []
    with suppress(FileNotFoundError):
        for name in sorted(os.listdir(folder)):
            first, _, rest = name.removesuffix(_SUFFIX).partition("-")
            last, _, rest = rest.partition("-")
            count = rest.partition("-")[0]
            if name.endswith(_SUFFIX) and first.isdigit() and last.isdigit() and count.isdigit():
                found.append(Batch(folder / name, int(first), int(last), int(count)))
    return found


def close_left_over(folder: Path) -> None:
    """Complete the batches of recorders that were killed; no recorder may be running."""
    for path in folder.glob(f"{OPEN}*"):
        with suppress(OSError):
            close_file(path)


def close_file(path: Path) -> None:
    """Complete a batch: drop a part of a line at its end, and give it its name.

    Raises:
        OSError: It cannot be read or renamed.
    """
    times = []
    with path.open("r+b") as file:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            with suppress(ValueError, KeyError, TypeError):
                times.append(int(json.loads(line)["at"]))
        file.truncate(end)
    if times:
        path.rename(path.with_name(closed_name(min(times), max(times), len(times))))
    else:
        path.unlink()


def delete_beyond(folder: Path, max_bytes: int = MAX_BYTES) -> int:
    """Delete the oldest batches beyond a size; returns how many requests that were."""
    lost, kept = 0, 0
    for batch in reversed(closed_batches(folder)):
        with suppress(OSError):
            kept += batch.path.stat().st_size
            if kept > max_bytes:
                batch.path.unlink()
                lost += batch.requests
    return lost
