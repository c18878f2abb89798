"""Executes steps in other processes of this machine: fresh interpreters, never forks."""

import codecs
import os
import pickle
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self

from stackfold.application.ports import Result, StepExecutor
from stackfold.domain.errors import InvalidPipeline, StepProcessDied, StepTimedOut
from stackfold.infrastructure.flavors.local.serialization import dumps
from stackfold.infrastructure.flavors.step_executors import GRACE, InlineExecutor

_ENTRY = "stackfold.infrastructure.flavors.local.step_process"
_POLL_INTERVAL = 0.2
"""Seconds between two checks whether the process is alive."""
_MAX_READS = 16
"""Maximum number of reads per pipe to collect output printed before an answer."""

Write = Callable[[str, str], object]
"""Called with the name of a stream, "stdout" or "stderr", and the text written to it."""


def _write_to_own_stream(stream: str, text: str) -> None:
    if there := getattr(sys, stream):  # None, where it was closed
        there.write(text)


class StepProcess:
    """A process that executes one call after another; its program is `local.step_process`."""

    def __init__(
        self, write: Write = _write_to_own_stream, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the process: not a fork, which would inherit threads, locks and connections.

        Args:
            write: Receives what its calls print; by default, it is written to our own streams.
            environment: Environment variables in addition to ours.
        """
        self._write = write
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        # -P keeps the current folder from hiding modules; the path comes with the first request.
        self._process = subprocess.Popen(  # noqa: S603  # ourselves
            [sys.executable, "-P", "-m", _ENTRY, str(requests), str(answers)],
            env={**os.environ, **(environment or {}), "PYTHONPATH": _import_path()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(requests, answers),
            # Its own process group: Ctrl-C reaches only us, and we signal the group.
            process_group=0,
        )
        os.close(requests)
        os.close(answers)
        self._pipes = selectors.DefaultSelector()
        self._pipes.register(self._answers, selectors.EVENT_READ)
        for name in ("stdout", "stderr"):
            pipe = getattr(self._process, name).fileno()
            os.set_blocking(pipe, False)
            decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
            self._pipes.register(pipe, selectors.EVENT_READ, (name, decoder))
        self._received = bytearray()
        self.usable = True
        """Whether it can execute another call."""
        self._ready = False
        self._send(pickle.dumps((sys.path, os.environ.get("PYTHONPATH"))))

    def execute(self, request: bytes, timeout: float | None = None) -> Any:
        """Execute a call, wait for its result, and forward what it prints.

        Args:
            request: The call, pickled by `portable`.
            timeout: Time limit in seconds, from when the process is ready; None for no limit.

        Raises:
            StepProcessDied: The process ended without an answer.
            StepTimedOut: The limit was exceeded, and the call was stopped.
            BaseException: What the call raised.
        """
        return outcome(self.answer(request, timeout))

    def answer(self, request: bytes, timeout: float | None = None) -> bytes:
        """Execute a call as `execute` does, and return its pickled outcome; see `outcome`.

        Raises:
            StepProcessDied: The process ended without an answer.
            StepTimedOut: The limit was exceeded, and the call was stopped.
        """
        self.usable = False
        try:
            if not self._ready:
                self._wait_for_answer(None)
                self._ready = True
            self._send(request)
            answer = self._wait_for_answer(None if timeout is None else time.monotonic() + timeout)
        except BaseException:
            self._end_step()
            raise
        if answer is None:
            late = StepTimedOut(timeout or 0.0)
            where = self._end_step()
            if where:
                late.add_note(where)
            raise late
        self.usable = True
        return answer

    def close(self) -> None:
        """End the process; kill it if it does not end by itself."""
        os.close(self._requests)
        try:
            self._process.wait(GRACE if self.usable else 0)
        except subprocess.TimeoutExpired:
            self._kill()
        finally:
            # Kill the processes that it has started.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._pipes.close()
            os.close(self._answers)
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe:
                    pipe.close()

    def _send(self, message: bytes) -> None:
        view = memoryview(len(message).to_bytes(8, "big") + message)
        with suppress(BrokenPipeError):  # the process has died: `_wait_for_answer` raises
            while view:
                view = view[os.write(self._requests, view) :]

    def _wait_for_answer(self, end: float | None) -> bytes | None:
        """Return the answer; None if the time limit is reached first."""
        while True:
            left = _POLL_INTERVAL if end is None else min(_POLL_INTERVAL, end - time.monotonic())
            if left <= 0:
                return None
            alive = self._process.poll() is None
            # One read at a time, so that a step that prints endlessly can time out.
            self._pump(left, 1) if alive else self._pump(0, _MAX_READS)
            message = self._message()
            if message is not None:
                self._pump(0, _MAX_READS)
                return message
            if not alive:
                raise StepProcessDied(self._process.returncode)

    def _pump(self, wait: float, max_reads: int) -> None:
        """Read the pipes until they are empty.

        Args:
            wait: Seconds to wait for the first data.
            max_reads: Maximum number of reads per pipe.
        """
        for _ in range(max_reads):
            ready = self._pipes.select(wait)
            if not ready:
                return
            wait = 0
            for key, _ in ready:
                data = os.read(key.fd, 2**16)
                if key.data is None:
                    self._received += data
                else:
                    name, decoder = key.data
                    self._write(name, decoder.decode(data, final=not data))
                if not data:
                    self._pipes.unregister(key.fd)

    def _message(self) -> bytes | None:
        length = int.from_bytes(self._received[:8], "big")
        if len(self._received) < 8 + length or not self._received:
            return None
        message = bytes(self._received[8 : 8 + length])
        del self._received[: 8 + length]
        return message

    def _end_step(self) -> str:
        """Interrupt the step as Ctrl-C would, then kill the process; return the traceback."""
        where = ""
        with suppress(StepProcessDied, ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
            answer = self._wait_for_answer(time.monotonic() + GRACE)
            where = (pickle.loads(answer)[1] or "") if answer else ""  # noqa: S301
        self._kill()
        return where

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class ProcessPool:
    """Reuses processes between the steps of a run: starting one takes longer than most steps."""

    def __init__(self) -> None:
        """Create an empty pool; processes are started when needed."""
        self._lock = threading.Lock()
        self._idle: list[StepProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def executor(self, thread: InlineExecutor) -> StepExecutor:
        """Return an executor in a process of the pool, for which `thread` waits."""
        return _ProcessExecutor(self, thread)

    @contextmanager
    def process(self) -> Iterator[StepProcess]:
        """Provide an idle process, or a new one, for the block."""
        with self._lock:
            process = self._idle.pop() if self._idle else None
        process = process or StepProcess()
        try:
            yield process
        finally:
            if process.usable:
                with self._lock:
                    self._idle.append(process)
            else:
                process.close()


class _ProcessExecutor:
    def __init__(self, pool: ProcessPool, thread: InlineExecutor) -> None:
        self._pool = pool
        self._thread = thread

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        request = portable(call)
        # StepStopped is raised at any line of `run_inline`: outside of it are the lines that start
        # and close a process, so that none is leaked.
        with self._pool.process() as process:
            result: Result = self._thread.run_inline(lambda: process.execute(request, timeout))
        return result

    def run_inline(self, call: Callable[[], Result]) -> Result:
        return self._thread.run_inline(call)


def _import_path() -> str:
    return os.pathsep.join(filter(None, sys.path))


def outcome(answer: bytes) -> Any:
    """Return the result of a call from the answer of a process.

    Raises:
        BaseException: What the call raised, with the other process's traceback as its last note.
    """
    result, traceback = pickle.loads(answer)  # noqa: S301  # written by a process of ours
    if traceback is not None:
        result.add_note(traceback)
        raise result
    return result


def portable(call: Callable[[], object]) -> bytes:
    """Pickle a call for another process.

    Raises:
        InvalidPipeline: It contains an object that cannot be pickled.
    """
    try:
        return dumps(call)
    except Exception as error:  # a class of the user's may raise anything
        raise InvalidPipeline(f"the step cannot be sent to another process: {error}") from error
