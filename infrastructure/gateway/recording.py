"""Recording: hands requests that a gateway has passed on to the recorder, and never waits for it.

What does not fit into memory is dropped and counted. A recorder that has ended is started again.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h11

from stackfold.infrastructure.recording.recorder import HEAD
from stackfold.infrastructure.recording.spool import SETTINGS, Settings, lock, read_settings

MAX_BODY = 2**20
"""Bytes of a body that are recorded; of larger ones, nothing is."""
MAX_WAITING = 16 * 2**20
"""Bytes that wait for the recorder."""
_AGAIN = 5.0
"""Seconds between two starts of the recorder."""
_END = 1.0
"""Seconds in which the recorder must have taken what waits, when the gateway ends."""


class Capture:
    """A request that is recorded."""

    def __init__(self, model: str, put: "Callable[[Capture], None]") -> None:
        """Begin.

        Args:
            model: The title of the model that answers.
            put: Takes the capture once the response is complete.
        """
        self._model, self._put, self._status = model, put, 0
        self._at, self._began = time.time_ns() // 1_000_000, time.perf_counter()
        self._request, self._response = bytearray(), bytearray()
        self._is_cut = False

    def request(self, data: bytes | bytearray) -> None:
        """Keep a part of the request's body."""
        self._add(self._request, data)

    def response(self, event: object) -> None:
        """Keep an event of the response, before it is passed on."""
        if isinstance(event, h11.Response):
            self._status = event.status_code
        elif isinstance(event, h11.Data):
            self._add(self._response, event.data)
        elif isinstance(event, h11.EndOfMessage):
            self._put(self)

    def frame(self, dropped: int) -> bytes:
        """What the recorder reads.

        Args:
            dropped: The number of requests that were dropped before.
        """
        seconds = time.perf_counter() - self._began
        facts: dict[str, object] = {
            "at": self._at,
            "model": self._model,
            "status": self._status,
            "ms": round(seconds * 1000, 3),
        }
        if dropped:
            facts["dropped"] = dropped
        if self._is_cut:
            facts["cut"] = True
        head = json.dumps(facts).encode()
        lengths = HEAD.pack(len(head), len(self._request), len(self._response))
        return b"".join((lengths, head, self._request, self._response))

    def _add(self, body: bytearray, data: bytes | bytearray) -> None:
        if self._is_cut or len(body) + len(data) > MAX_BODY:
            self._is_cut = True
            self._request, self._response = bytearray(), bytearray()
        else:
            body += data


class Recording:
    """Samples the requests of a deployment, and hands them to the recorder."""

    def __init__(self, folder: Path) -> None:
        """Create a recording.

        Args:
            folder: The folder of the deployment's recorded requests; without it, there are none.
        """
        self._folder = folder
        self._path = os.fspath(folder / SETTINGS)
        self._stamp: tuple[int, ...] = ()
        self._settings: Settings | None = None
        self._random = random.Random()  # noqa: S311
        self._pipe: asyncio.WriteTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._started = -_AGAIN
        self._waiting: list[bytes] = []
        self._dropped = 0

    @property
    def is_active(self) -> bool:
        """Whether a recorder was started, or is being started."""
        return self._starting is not None or self._process is not None

    def sampled(self, method: bytes, model: str) -> Capture | None:
        """A capture of a request; None if it is not to be recorded."""
        settings = self._current()
        if settings is None or method != b"POST":
            return None
        if settings.rate < 1 and self._random.random() >= settings.rate:
            return None
        return Capture(model, self._take)

    def _take(self, capture: Capture) -> None:
        """Hand a request to the recorder; drops it if that is behind."""
        frame = capture.frame(self._dropped)
        pipe = self._pipe
        if pipe is None or pipe.is_closing():
            self._start()
            waiting = sum(map(len, self._waiting))
        else:
            waiting = pipe.get_write_buffer_size()
        if waiting + len(frame) > MAX_WAITING:
            self._dropped += 1
            return
        self._dropped = 0
        if pipe is None or pipe.is_closing():
            self._waiting.append(frame)
        else:
            pipe.write(frame)

    async def close(self) -> None:
        """Let the recorder take what waits, and end."""
        if self._starting:
            with suppress(Exception):
                await asyncio.wait_for(self._starting, _END)
        end = time.monotonic() + _END
        pipe = self._pipe
        while pipe and pipe.get_write_buffer_size() and time.monotonic() < end:
            await asyncio.sleep(0.01)
        if pipe:
            pipe.close()

    def _current(self) -> Settings | None:
        try:
            found = os.stat(self._path)
        except OSError:
            self._settings, self._stamp = None, ()
            return None
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._stamp:
            self._settings, self._stamp = read_settings(self._folder), stamp
        return self._settings

    def _start(self) -> None:
        now = time.monotonic()
        if self._starting is None and now - self._started > _AGAIN:
            self._started = now
            self._starting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            process = await loop.run_in_executor(None, self._spawned)
            assert process.stdin is not None  # noqa: S101  # it is a pipe
            pipe, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
            self._process, self._pipe = process, pipe
            for frame in self._waiting:
                pipe.write(frame)
            self._waiting.clear()
        except OSError:
            self._waiting.clear()
        finally:
            self._starting = None

    def _spawned(self) -> "subprocess.Popen[bytes]":
        if self._process is not None:
            self._process.poll()  # collects its exit code
        # Locked from now on, so that a command can wait until the recorder has ended.
        descriptor = lock(self._folder, _AGAIN)
        if descriptor is None:
            raise BlockingIOError("another recorder is ending")
        module = "stackfold.infrastructure.recording.recorder"
        command = [sys.executable, "-m", module, os.fspath(self._folder)]
        try:
            # In a group of its own, so that signals for the gateway do not end it too early.
            return subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, process_group=0, pass_fds=[descriptor]
            )
        finally:
            os.close(descriptor)
