"""Processes of this machine in which steps are executed: fresh interpreters, never forks."""

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
_GLANCE = 0.2
"""Seconds between two looks whether the process lives, should its pipes not tell."""
_REST = 16
"""So many times what a pipe holds is taken of what was printed before an answer."""

Write = Callable[[str, str], object]
"""Takes the name of a stream, "stdout" or "stderr", and what was written to it."""


def _write_here(stream: str, text: str) -> None:
    if there := getattr(sys, stream):  # None, where it was closed
        there.write(text)


class StepProcess:
    """An interpreter that executes one call after another; see `local.step_process`."""

    def __init__(
        self, write: Write = _write_here, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it. A fork would inherit threads, locks and connections half used.

        Args:
            write: Takes what its calls print; by default that goes to our own streams.
            environment: Variables that it has beside ours.
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
            # Ctrl-C is for us; we tell the process, and whatever it has started.
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
        """Execute a call and wait for it, handing on what it prints.

        Args:
            request: The call, as `portable` writes it.
            timeout: Seconds that it may take before it is ended, from when the process has
                started; None for ever.

        Raises:
            StepProcessDied: The process ended without an answer.
            StepTimedOut: It took longer.
            BaseException: What the call raised.
        """
        return outcome(self.answer(request, timeout))

    def answer(self, request: bytes, timeout: float | None = None) -> bytes:
        """Execute a call as `execute` does, and return what came of it for `outcome` to read.

        Raises:
            StepProcessDied: The process ended without an answer.
            StepTimedOut: It took longer.
        """
        self.usable = False
        try:
            if not self._ready:
                self._awaited(None)
                self._ready = True
            self._send(request)
            answer = self._awaited(None if timeout is None else time.monotonic() + timeout)
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
        """Let it end, or make it end if it does not."""
        os.close(self._requests)
        try:
            self._process.wait(GRACE if self.usable else 0)
        except subprocess.TimeoutExpired:
            self._kill()
        finally:
            # What it has started is gone with it.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._pipes.close()
            os.close(self._answers)
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe:
                    pipe.close()

    def _send(self, message: bytes) -> None:
        view = memoryview(len(message).to_bytes(8, "big") + message)
        with suppress(BrokenPipeError):  # it has died; there will be no answer
            while view:
                view = view[os.write(self._requests, view) :]

    def _awaited(self, end: float | None) -> bytes | None:
        """The answer; None if the time is up first."""
        while True:
            left = _GLANCE if end is None else min(_GLANCE, end - time.monotonic())
            if left <= 0:
                return None
            alive = self._process.poll() is None
            # One look at a time: a step that never stops printing has its time limit, too.
            self._pump(left, 1) if alive else self._pump(0, _REST)
            message = self._message()
            if message is not None:
                self._pump(0, _REST)
                return message
            if not alive:
                raise StepProcessDied(self._process.returncode)

    def _pump(self, wait: float, looks: int) -> None:
        """Take what comes until there is a pause, looking so many times at most.

        Args:
            wait: Seconds to wait for the first bit.
            looks: How often to look; each time as much is taken as a pipe holds.
        """
        for _ in range(looks):
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
        """Interrupt the step, as Ctrl-C would, and kill what does not end; returns where it was."""
        where = ""
        with suppress(StepProcessDied, ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
            answer = self._awaited(time.monotonic() + GRACE)
            where = (pickle.loads(answer)[1] or "") if answer else ""  # noqa: S301
        self._kill()
        return where

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class ProcessPool:
    """Processes that wait for the next step of a run; starting one takes longer than most steps."""

    def __init__(self) -> None:
        """None is started before it is needed."""
        self._turn = threading.Lock()
        self._idle: list[StepProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._turn:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def executor(self, thread: InlineExecutor) -> StepExecutor:
        """One of the processes, with `thread` waiting for it."""
        return _InAProcess(self, thread)

    @contextmanager
    def process(self) -> Iterator[StepProcess]:
        """A process that is free, or a new one, for the block."""
        with self._turn:
            process = self._idle.pop() if self._idle else None
        process = process or StepProcess()
        try:
            yield process
        finally:
            if process.usable:
                with self._turn:
                    self._idle.append(process)
            else:
                process.close()


class _InAProcess:
    def __init__(self, pool: ProcessPool, thread: InlineExecutor) -> None:
        self._pool = pool
        self._thread = thread

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        request = portable(call)
        # What ends a step is raised at any line of `here`: it must not be one that begins or closes
        # a process, which would be left behind.
        with self._pool.process() as process:
            answer: Result = self._thread.run_inline(lambda: process.execute(request, timeout))
        return answer

    def run_inline(self, call: Callable[[], Result]) -> Result:
        return self._thread.run_inline(call)


def _import_path() -> str:
    return os.pathsep.join(filter(None, sys.path))


def outcome(answer: bytes) -> Any:
    """What a call returned, by its answer.

    Raises:
        BaseException: What it raised, the traceback from there as its last note.
    """
    came, traceback = pickle.loads(answer)  # noqa: S301  # written by a process of ours
    if traceback is not None:
        came.add_note(traceback)
        raise came
    return came


def portable(call: Callable[[], object]) -> bytes:
    """A call as another process can read it.

    Raises:
        InvalidPipeline: It holds what cannot be sent.
    """
    try:
        return dumps(call)
    except Exception as error:  # whatever a class of the user's does when it is pickled
        raise InvalidPipeline(f"the step cannot be sent to another process: {error}") from error
