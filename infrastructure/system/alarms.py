"""Calls functions after some time, in one thread for all of them."""

import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from stackfold.infrastructure.system.forks import notify_after_fork

Call = Callable[[], None]


class Alarms:
    """Alarms of this process, most of which are cancelled before their time.

    A `threading.Timer` starts a thread, which takes several times as long as a short transaction.
    This starts one when there is none, which ends when it wakes and no alarm is set.
    """

    def __init__(self) -> None:
        notify_after_fork(self)
        self.after_fork()

    def after_fork(self) -> None:
        """Forget all alarms: a forked process has neither their blocks nor the thread."""
        self._changed = threading.Condition()
        self._calls: dict[object, tuple[float, Call]] = {}
        self._wakes: float | None = None
        """When the thread wakes; None if there is none."""

    def set(self, seconds: float, call: Call) -> object:
        """Call a function after some seconds, in a thread; returns what cancels that."""
        alarm, time = object(), monotonic() + seconds
        with self._changed:
            self._calls[alarm] = time, call
            if self._wakes is None:
                _start(self._run)
                self._wakes = time
            elif time < self._wakes:
                self._wakes = time
                self._changed.notify()
        return alarm

    def cancel(self, alarm: object) -> None:
        """Do not call the function; it may be running already."""
        with self._changed:
            self._calls.pop(alarm, None)

    def _run(self) -> None:
        with self._changed:
            while self._calls:
                now = monotonic()
                due = [alarm for alarm, (time, _) in self._calls.items() if time <= now]
                for alarm in due:
                    _start(self._calls.pop(alarm)[1])  # it may wait
                self._wakes = min((time for time, _ in self._calls.values()), default=now)
                self._changed.wait(max(0, self._wakes - now))
            self._wakes = None


def _start(call: Call) -> None:
    with suppress(RuntimeError):  # no thread can be started while the interpreter ends
        threading.Thread(target=call, name="stackfold alarms", daemon=True).start()


ALARMS = Alarms()
