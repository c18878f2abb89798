"""Threads that show the running steps of this process to others, on a board beside the log."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Protocol

from stackfold.application.runs.live_steps import PROOF_OF_LIFE, LiveStep
from stackfold.application.runs.running_steps import RunningSteps
from stackfold.infrastructure.system.forks import notify_after_fork

_INTERVAL = 0.5
"""Seconds that a step runs before it is shown, and between two updates of its text."""
_PAUSE = 5.0
"""Seconds until the next attempt, after steps could not be shown."""
_FAREWELL = 2.0
"""Seconds that the end of a run waits until its steps are no longer shown."""


class LiveBoard(Protocol):
    """Where one process shows the running steps of one run; any method may fail."""

    def show(self, steps: Sequence[LiveStep]) -> None:
        """Show steps, in place of what was shown of them before."""
        ...

    def remove(self, steps: Sequence[str]) -> None:
        """Show steps no longer."""
        ...


OpenBoard = Callable[[str], AbstractContextManager[LiveBoard]]
"""(id of a run) → its board, to be used in one thread."""


@contextmanager
def showing(run: str, running: RunningSteps, board: OpenBoard) -> Iterator[None]:
    """Show the running steps of a run to everybody while the block is executed.

    Args:
        run: The id of the run.
        running: Its running steps.
        board: Opens where they are shown.
    """
    shower = _Shower(run, running, board)
    _watch.add(shower)
    try:
        yield
    finally:
        _watch.remove(shower)
        shower.stop()


class _Shower:
    """Shows the running steps of a run, in a thread of its own."""

    def __init__(self, run: str, running: RunningSteps, board: OpenBoard) -> None:
        self._run = run
        self._running = running
        self._board = board
        self._shown: dict[str, LiveStep] = {}
        self._proven = 0.0
        self._stopped = threading.Event()
        self._process = os.getpid()
        # A daemon, and a bounded wait: a run must not wait for a server or disk that hangs.
        self._thread = threading.Thread(target=self._work, name=f"live {run}", daemon=True)

    def start(self) -> bool:
        """Start the thread if a step has been running for some time; return whether it runs."""
        if not self._thread.ident and self._running.longer_than(_INTERVAL):
            with suppress(RuntimeError):  # tried again
                self._thread.start()
        return self._thread.ident is not None

    def stop(self) -> None:
        """End the thread, which removes what it has shown."""
        if os.getpid() != self._process:
            return  # a step forked, and the child process unwinds
        self._stopped.set()
        if self._thread.ident:
            self._thread.join(_FAREWELL)

    def _work(self) -> None:
        # What fails is tried again: a full disk, a lost connection.
        while not self._stopped.is_set():
            try:
                with ExitStack() as stack:
                    board = stack.enter_context(self._board(self._run))
                    stack.callback(self._remove, board)
                    self._shown.clear()
                    self._update(board)
                    while not self._stopped.wait(_INTERVAL):
                        self._update(board)
            except Exception:
                self._stopped.wait(_PAUSE)

    def _update(self, board: LiveBoard) -> None:
        now = {each.step: each for each in self._running.longer_than(_INTERVAL)}
        if ended := [step for step in self._shown if step not in now]:
            board.remove(ended)
            for step in ended:
                del self._shown[step]
        again = bool(now) and time.monotonic() - self._proven > PROOF_OF_LIFE
        if again:
            self._proven = time.monotonic()
        if new := [each for each in now.values() if again or self._shown.get(each.step) != each]:
            board.show(new)
            self._shown.update((each.step, each) for each in new)

    def _remove(self, board: LiveBoard) -> None:
        if self._shown:
            board.remove([*self._shown])


class _Watch:
    """One thread of a process that starts that of each run with a step that takes long.

    A run of short steps, of which there may be hundreds per second, then needs no thread.
    """

    def __init__(self) -> None:
        self.after_fork()

    def after_fork(self) -> None:
        """Begin without runs and threads, as a forked process does."""
        self._lock = threading.Lock()
        self._waiting: list[_Shower] = []
        self._any = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, shower: _Shower) -> None:
        """Start the thread of a run as soon as a step has been running for some time."""
        with self._lock:
            self._waiting.append(shower)
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="live", daemon=True)
                with suppress(RuntimeError):  # no thread can be started: nothing is shown
                    thread.start()
                    self._thread = thread
        if not self._any.is_set():
            self._any.set()

    def remove(self, shower: _Shower) -> None:
        """Forget a run, which may have its thread already."""
        with self._lock, suppress(ValueError):
            self._waiting.remove(shower)

    def _work(self) -> None:
        while True:
            self._any.wait()
            time.sleep(_INTERVAL)
            with self._lock:
                self._waiting = [each for each in self._waiting if not each.start()]
                if not self._waiting:
                    self._any.clear()


_watch = _Watch()
notify_after_fork(_watch)
