"""The log of a model server: a file that its process appends to and keeps within a size."""

import os
import re
import threading
import time
from pathlib import Path

NAME = "server.log"
"""In the working folder of the server."""
MAX_BYTES = 8 * 2**20
REASON = "stackfold: "
"""The start of the line by which a server reports why it ended."""

_INTERVAL = 1.0
"""Seconds between two checks of the size."""
_STANDARD_ERROR = 2
_TAIL = 2**16
_MAX_LINE = 300
_ERROR = re.compile(r"\b(\w*Error|ERROR|Exception)\b")


def limit_size(max_bytes: int = MAX_BYTES, interval: float = _INTERVAL) -> None:
    """Keep the log of this process within a size, from a thread of its own.

    Does nothing if standard error is not the log in the working folder, as in a container.

    Args:
        max_bytes: Once the log is larger, its older half is dropped.
        interval: Seconds between two checks.
    """
    path = Path(NAME).absolute()
    try:
        is_log = os.path.samestat(path.stat(), os.fstat(_STANDARD_ERROR))
    except OSError:
        is_log = False
    if not is_log:
        return

    def watch() -> None:
        while True:
            shorten(path, max_bytes)
            time.sleep(interval)

    threading.Thread(target=watch, name="log size", daemon=True).start()


def shorten(path: Path, max_bytes: int) -> None:
    """Drop the oldest lines of a log that is larger than `max_bytes`; half of that stays.

    The file stays the same one, as processes have it open for appending. Lines that are written in
    the same instant may be lost.
    """
    try:
        with open(os.open(path, os.O_RDWR | os.O_APPEND), "r+b") as log:
            size = log.seek(0, os.SEEK_END)
            if size <= max_bytes:
                return
            log.seek(size - max_bytes // 2)
            log.readline()  # the rest of a line
            newest = log.read()
            log.truncate(0)
            log.write(newest)
    except OSError:
        return  # the deployment was deleted, or the disk is full


def tail(path: Path) -> str:
    """The end of a log; empty if there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - _TAIL, 0))
            return log.read().decode(errors="replace")
    except OSError:
        return ""


def last_reason(path: Path) -> str:
    """Why a server ended, in one line: the reason it gave, else the last error, else any line."""
    lines = [line.strip() for line in tail(path).splitlines() if line.strip()]
    reasons = [line.removeprefix(REASON) for line in lines if line.startswith(REASON)]
    errors = [line for line in lines if _ERROR.search(line)]
    return (reasons or errors or lines or ["nothing"])[-1][:_MAX_LINE]
