"""The process that records requests; its argument is the folder of the deployment.

A gateway starts it, and writes requests to its standard input. It parses them, drops the fields to
leave out, and appends a line for each to a batch in the folder. Nothing else is written: a body
that it does not understand is only counted. It ends when its input ends. It inherits the lock of
the folder, which the system releases when it has ended.
"""

import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from stackfold.infrastructure.recording.recorded_rows import NotUnderstood, recorded_rows
from stackfold.infrastructure.recording.spool import (
    OPEN,
    ROTATE,
    Settings,
    close_file,
    close_left_over,
    delete_beyond,
    read_settings,
)

HEAD = struct.Struct(">III")
"""The lengths of the facts, of the request's body and of the response's body."""
_POLL = 0.2
"""Seconds between two looks for requests to end the batch."""
_TIDY = 3600.0
"""Seconds after which recorded requests are moved and deleted even if no batch ends."""


def main(folder: Path) -> None:
    """Record until the input ends, or the folder is deleted.

    Args:
        folder: The folder of the deployment.
    """
    # The gateway ends the input when it has passed everything on.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(5)
    close_left_over(folder)
    writer, frames = _Writer(folder), _Frames()
    while folder.is_dir():
        ready, _, _ = select.select([0], [], [], _POLL)
        data = os.read(0, 2**20) if ready else None
        if data == b"":
            break
        settings = read_settings(folder)
        if data:
            for facts, request, response in frames.add(data):
                if settings is not None:
                    writer.add(_line(facts, request, response, settings))
            writer.flush()
        writer.end_if_due(settings, idle=not data)
    writer.end()


def _line(facts: dict[str, Any], request: bytes, response: bytes, settings: Settings) -> bytes:
    line = dict(facts)
    try:
        if line.pop("cut", False):
            raise NotUnderstood("it is larger than what is recorded")
        answered = response if line["status"] < 300 else None
        line["rows"] = recorded_rows(request, answered, frozenset(settings.leave_out))
    except NotUnderstood as error:
        line["problem"] = str(error)
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


class _Frames:
    """Splits the input into requests."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes, bytes]]:
        """Yield the requests that are complete with more data."""
        self._data += data
        while len(self._data) >= HEAD.size:
            lengths = HEAD.unpack_from(self._data)
            if len(self._data) < HEAD.size + sum(lengths):
                return
            parts, start = [], HEAD.size
            for length in lengths:
                parts.append(bytes(self._data[start : start + length]))
                start += length
            del self._data[:start]
            yield json.loads(parts[0]), parts[1], parts[2]


class _Writer:
    """Writes batches."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{OPEN}-{os.getpid()}"
        self._file: IO[bytes] | None = None
        self._size, self._began, self._tidied = 0, 0.0, time.monotonic()

    def add(self, line: bytes) -> None:
        """Append a line; it is lost if the disk is full."""
        with suppress(OSError):
            if self._file is None:
                opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                self._file = os.fdopen(opened, "wb")
                self._size, self._began = 0, time.monotonic()
            self._file.write(line)
            self._size += len(line)

    def flush(self) -> None:
        """Hand what was written to the system, which a killed process does not lose."""
        with suppress(OSError):
            if self._file is not None:
                self._file.flush()

    def end_if_due(self, settings: Settings | None, *, idle: bool) -> None:
        """End the batch once it is old or large, or a command asks for it."""
        asked = idle and (self._folder / ROTATE).exists()
        now = time.monotonic()
        due = self._file is not None and (
            settings is None or now - self._began > settings.seconds or self._size > settings.bytes
        )
        if asked or due:
            self.end()
        if asked:
            (self._folder / ROTATE).unlink(missing_ok=True)
        if settings is not None and (due or now - self._tidied > _TIDY):
            self._tidied = now
            delete_beyond(self._folder)
            _move(self._folder.name, settings)

    def end(self) -> None:
        """Complete the batch."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
            with suppress(OSError):
                close_file(self._path)


def _move(id: str, settings: Settings) -> None:
    """Move complete batches to the artifact store, by a process of its own."""
    environment = {**os.environ, "STACKFOLD_HOME": settings.home}
    if settings.store:
        environment["STACKFOLD_STORE"] = settings.store
    command = [sys.executable, "-m", "stackfold", "deployment", "collect", id]
    with suppress(OSError):
        subprocess.Popen(  # noqa: S603
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
