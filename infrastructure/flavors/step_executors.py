"""Executors of steps in the calling thread of this process."""

import signal
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from types import FrameType
from typing import Any

from stackfold.application.ports import Result, StepStopped
from stackfold.domain.errors import StepTimedOut

GRACE = 2.0
"""Seconds for a stopped step to clean up."""
_POLL_INTERVAL = 0.05


class _TimeLimit(StepStopped):
    """Raised in a step that exceeds its time limit."""


class InlineExecutor:
    """Executes calls in the calling thread."""

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call; a timeout uses an alarm in the main thread, else another thread.

        C code cannot be interrupted. In the main thread it is waited for; in other threads it is
        abandoned, and its result is ignored.
        """
        if timeout is None:
            return call()
        if _may_set_an_alarm():
            return _with_an_alarm(call, timeout)
        return _in_a_thread(call, timeout)

    def run_inline(self, call: Callable[[], Result]) -> Result:
        """Execute a call in the calling thread."""
        return call()


class StoppableExecutor(InlineExecutor):
    """Executes calls in the calling thread; another thread can stop them."""

    def __init__(self) -> None:
        """Create an executor without a running call."""
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._stopped = False

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call that `stop` can stop."""
        return self.run_inline(lambda: super(StoppableExecutor, self).execute(call, timeout))

    def run_inline(self, call: Callable[[], Result]) -> Result:
        """Execute a call that `stop` can stop."""
        with self._lock:
            if self._stopped:
                raise StepStopped
            self._thread = threading.get_ident()
        try:
            return call()
        finally:
            with self._lock:
                self._thread = None
            # Let a pending StepStopped surface here, and not while the outcome is recorded.
            _raise_pending()

    def stop(self) -> None:
        """Stop the current call at its next line of Python code, and reject further calls."""
        with self._lock:
            self._stopped = True
            if self._thread is not None:
                raise_in(self._thread, StepStopped)


def raise_in(thread: int, error: type[BaseException]) -> None:
    """Raise an exception in another thread, at the next line of Python code that it executes."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _raise_pending() -> None:
    """Do nothing: Python raises pending asynchronous exceptions when a function begins."""


def _may_set_an_alarm() -> bool:
    return (
        threading.current_thread() is threading.main_thread()
        and hasattr(signal, "setitimer")
        and signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, signal.SIG_IGN, None)
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )


def _with_an_alarm(call: Callable[[], Result], timeout: float) -> Result:
    def ring(_: int, __: FrameType | None) -> None:
        raise _TimeLimit

    before = signal.signal(signal.SIGALRM, ring)
    try:
        # Repeat every second, in case the step catches the exception.
        signal.setitimer(signal.ITIMER_REAL, timeout, 1.0)
        try:
            return call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeLimit as error:
        raise StepTimedOut(timeout).with_traceback(error.__traceback__) from None
    finally:
        signal.signal(signal.SIGALRM, before)


def _in_a_thread(call: Callable[[], Result], timeout: float) -> Result:
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:
            outcome.append((None, error))

    # A daemon: a step that hangs must not keep the program from ending.
    thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True)
    thread.start()
    end = time.monotonic() + timeout
    try:
        while thread.is_alive() and time.monotonic() < end:
            thread.join(_POLL_INTERVAL)
    except BaseException:
        _end(thread, StepStopped)
        raise
    if not outcome:
        _end(thread, _TimeLimit)
        raise StepTimedOut(timeout)
    result, error = outcome[0]
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _end(thread: threading.Thread, error: type[BaseException]) -> None:
    end = time.monotonic() + GRACE
    while thread.is_alive() and thread.ident and time.monotonic() < end:
        raise_in(thread.ident, error)
        thread.join(GRACE / 4)
