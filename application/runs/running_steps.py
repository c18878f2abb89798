"""RunningSteps: the steps that this process is executing, and the thread that shows them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic

from stackfold.application.runs.captured_output import CapturedOutput
from stackfold.application.runs.live_steps import PROOF_OF_LIFE, LiveBoard, LiveStep, LiveSteps
from stackfold.domain.rfc3339 import to_rfc3339

_INTERVAL = 0.5
"""Seconds that a step runs before it is shown, and between two updates of its text."""
_PAUSE = 5.0
"""Seconds until the next attempt, after steps could not be shown."""
_FAREWELL = 2.0
"""Seconds that the end of a run waits until its steps are no longer shown."""


class RunningSteps(dict[str, datetime]):
    """Step → when it started, for the running steps of one run.

    The thread that shows them takes no lock of the run's threads: a step may fork at any time.
    """

    def __init__(self) -> None:
        """Create it without steps."""
        super().__init__()
        self.outputs: dict[str, CapturedOutput] = {}
        """Step → its output so far; may contain steps that have ended."""

    def long_running(self) -> list[LiveStep]:
        """The steps that have been running for some time, with their text so far."""
        before = datetime.now(UTC) - timedelta(seconds=_INTERVAL)
        found = []
        for step, started in list(self.items()):
            if started <= before:
                output = self.outputs.get(step)
                so_far = output.so_far() if output else (0, "")
                found.append(LiveStep(step, to_rfc3339(started), *so_far))
        return found


@contextmanager
def showing(run: str, running: RunningSteps, live: LiveSteps) -> Iterator[None]:
    """Show the running steps of a run to everybody while the block is executed.

    Args:
        run: The id of the run.
        running: Its running steps.
        live: Where they are shown.
    """
    shower = _Shower(run, running, live)
    # A daemon, and a bounded wait: a run must not wait for a server or disk that hangs.
    thread = threading.Thread(target=shower.work, name="live steps", daemon=True)
    thread.start()
    try:
        yield
    finally:
        shower.stopped.set()
        if shower.has_board:
            thread.join(_FAREWELL)


class _Shower:
    """Shows the running steps of a run, in a thread."""

    def __init__(self, run: str, running: RunningSteps, live: LiveSteps) -> None:
        self._run = run
        self._running = running
        self._live = live
        self._shown: dict[str, LiveStep] = {}
        self._proven = 0.0
        self.stopped = threading.Event()
        self.has_board = False

    def work(self) -> None:
        """Show the steps until the run ends; what fails is tried again."""
        pause = _INTERVAL
        while not self.stopped.wait(pause):
            pause = _INTERVAL
            if self._running.long_running():
                try:
                    self._work()
                except Exception:  # a full disk, or a lost connection
                    pause = _PAUSE
                self.has_board = False

    def _work(self) -> None:
        self.has_board, self._proven = True, 0.0
        self._shown.clear()
        with ExitStack() as stack:
            board = stack.enter_context(self._live.board(self._run))
            stack.callback(self._remove, board)
            self._update(board)
            while not self.stopped.wait(_INTERVAL):
                self._update(board)

    def _update(self, board: LiveBoard) -> None:
        now = {each.step: each for each in self._running.long_running()}
        if ended := [step for step in self._shown if step not in now]:
            board.remove(ended)
            for step in ended:
                del self._shown[step]
        again = bool(now) and monotonic() - self._proven > PROOF_OF_LIFE
        if again:
            self._proven = monotonic()
        if new := [each for each in now.values() if again or self._shown.get(each.step) != each]:
            board.show(new)
            self._shown.update((each.step, each) for each in new)

    def _remove(self, board: LiveBoard) -> None:
        if self._shown:
            board.remove([*self._shown])
