"""Runs the program that parses formats in a process with limits of memory and time."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

PROGRAM = Path(__file__).with_name("parsing_program.py")
LARGEST_ANSWER = 4 * 2**20
_NAMES = ("PATH", "PYTHONPATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "TEMP")
_AT_ONCE = threading.BoundedSemaphore(2)


class ParsingFailed(Exception):
    """A format cannot be parsed; its text says why."""


def parse(kind: str, file: BinaryIO, seconds: float) -> dict[str, Any]:
    """Parse a file in a process, which may neither crash this one nor fill its memory.

    Args:
        kind: The format, as the program names it.
        file: The file.
        seconds: How long to wait, at most.

    Raises:
        ParsingFailed: The file is damaged, needs too much, or a library is missing.
    """
    if not _AT_ONCE.acquire(timeout=seconds):
        raise ParsingFailed("several files are being parsed: try again")
    try:
        answer = _answer(kind, file, seconds)
    finally:
        _AT_ONCE.release()
    try:
        found = json.loads(answer)
    except ValueError:
        raise ParsingFailed("parsing it took too much memory, or it is damaged") from None
    if problem := found.get("problem"):
        raise ParsingFailed(problem)
    return dict(found)


def _answer(kind: str, file: BinaryIO, seconds: float) -> bytes:
    # A file is passed as it is, so that only what is shown of it is read.
    file.seek(0)
    given: dict[str, Any] = {"input": file.read()} if _in_memory(file) else {"stdin": file}
    environment = {name: os.environ[name] for name in _NAMES if name in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603  # a program of ours
            [sys.executable, "-P", str(PROGRAM), kind, str(int(seconds) + 1)],
            **given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ParsingFailed(f"parsing it takes more than {seconds:g} s") from None
    return bytes(done.stdout[:LARGEST_ANSWER])


def _in_memory(file: BinaryIO) -> bool:
    try:
        file.fileno()
    except (OSError, io.UnsupportedOperation):
        return True
    return False
