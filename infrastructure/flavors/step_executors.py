"""The place of a step that stays in this process: the thread that asks."""

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
"""Seconds that a step gets to clean up after it was told to end."""
_GLANCE = 0.05


class _TimeIsUp(StepStopped):
    """Raised in a step that has taken too long."""


class InlineExecutor:
    """Executes steps in the thread that asks."""

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call; one with a timeout on the main thread gets an alarm, else a thread.

        Code that is written in C cannot be ended in the middle. On the main thread it is waited
        for; elsewhere it goes on behind the run's back, its result unused.
        """
        if timeout is None:
            return call()
        if _may_set_an_alarm():
            return _with_an_alarm(call, timeout)
        return _in_a_thread(call, timeout)

    def run_inline(self, call: Callable[[], Result]) -> Result:
        """Execute a call."""
        return call()


class StoppableExecutor(InlineExecutor):
    """Executes steps in the thread that asks, and can be told by another one to end them."""

    def __init__(self) -> None:
        """Nothing is executed yet."""
        self._turn = threading.Lock()
        self._thread: int | None = None
        self._stopped = False

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call; it may be ended."""
        return self.run_inline(lambda: super(StoppableExecutor, self).execute(call, timeout))

    def run_inline(self, call: Callable[[], Result]) -> Result:
        """Execute a call; it may be ended."""
        with self._turn:
            if self._stopped:
                raise StepStopped
            self._thread = threading.get_ident()
        try:
            return call()
        finally:
            with self._turn:
                self._thread = None
            # What another thread has raised in this one comes up by now, not while it is recorded.
            _catch_breath()

    def stop(self) -> None:
        """End what is executed, at the next line of Python code, and whatever would begin."""
        with self._turn:
            self._stopped = True
            if self._thread is not None:
                raise_in(self._thread, StepStopped)


def raise_in(thread: int, error: type[BaseException]) -> None:
    """Raise an exception in another thread, at the next line of Python code that it executes."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _catch_breath() -> None:
    """Pending exceptions are raised when a function begins."""


def _may_set_an_alarm() -> bool:
    return (
        threading.current_thread() is threading.main_thread()
        and hasattr(signal, "setitimer")
        and signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, signal.SIG_IGN, None)
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )


def _with_an_alarm(call: Callable[[], Result], timeout: float) -> Result:
    def ring(_: int, __: FrameType | None) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        # Once a second after that, should the step have caught the first one.
        signal.setitimer(signal.ITIMER_REAL, timeout, 1.0)
        try:
            return call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeIsUp as error:
        raise StepTimedOut(timeout).with_traceback(error.__traceback__) from None
    finally:
        signal.signal(signal.SIGALRM, before)


def _in_a_thread(call: Callable[[], Result], timeout: float) -> Result:
    came: list[Any] = []

    def work() -> None:
        try:
            came.append((call(), None))
        except BaseException as error:
            came.append((None, error))

    # Not waited for when the program ends: it may never end.
    thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True)
    thread.start()
    end = time.monotonic() + timeout
    try:
        while thread.is_alive() and time.monotonic() < end:
            thread.join(_GLANCE)
    except BaseException:
        _end(thread, StepStopped)
        raise
    if not came:
        _end(thread, _TimeIsUp)
        raise StepTimedOut(timeout)
    answer, error = came[0]
    if error is not None:
        raise error
    return answer  # type: ignore[no-any-return]


def _end(thread: threading.Thread, error: type[BaseException]) -> None:
    end = time.monotonic() + GRACE
    while thread.is_alive() and thread.ident and time.monotonic() < end:
        raise_in(thread.ident, error)
        thread.join(GRACE / 4)
