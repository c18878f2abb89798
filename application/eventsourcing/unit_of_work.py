"""Unit of work: several commands as one change."""

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from stackfold.application.eventsourcing.asking import must_not_be_asking
from stackfold.domain.errors import ChangeElsewhere, ChangeTimedOut, OutsideChanges

P = ParamSpec("P")
R = TypeVar("R")

Execute = Callable[[str, Sequence[Any]], list[Any]]
"""(statement, parameters) → its rows; executes it in the transaction of the log."""

_open: ContextVar[tuple["UnitOfWork", ...]] = ContextVar("stackfold units of work", default=())
"""The units of work whose blocks this context is in, the innermost last."""


class UnitOfWork:
    """Several commands as one transaction and one change; see `Workspace.change`."""

    def __init__(self, log: object, why: str, timeout: float, execute: Execute) -> None:
        """Use `Workspace.change` instead.

        Args:
            log: Identifies the log.
            why: The reason, for commands that give none.
            timeout: Seconds that it may take.
            execute: Executes a statement in the transaction.
        """
        self.log, self.why = log, why
        self.number: int | None = None
        """The number of the change: the position of its first event; None before that."""
        self.closed = False
        self._execute = execute
        self._timeout = timeout
        self._deadline = math.inf
        self._owner = _here()
        self.in_use = threading.RLock()
        """Held while the block uses the workspace: the transaction may be ended when it is free."""

    def begin(self) -> None:
        """Start to count the time that it may take."""
        self._deadline = time.monotonic() + self._timeout

    @property
    def remaining(self) -> float:
        """Seconds that are left; 0 when it took too long."""
        return max(0.0, self._deadline - time.monotonic())

    def expire(self) -> None:
        """Leave no time, since its transaction was rolled back."""
        self._deadline = -math.inf

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Execute code of the program, in a block that uses the workspace.

        Raises:
            ChangeTimedOut: It took too long.
        """
        self.in_use.release()
        try:
            yield
        finally:
            self.in_use.acquire()
        self.check()

    @property
    def inherited(self) -> bool:
        """Whether this context is in its block, or began in it."""
        return any(each is self for each in _open.get())

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement on tables of your own, in the transaction of the change.

        Args:
            statement: One SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER or DROP, with `?` for each
                parameter.
            parameters: The values of the parameters.

        Returns:
            The rows; none for a statement without rows.

        Raises:
            StatementRejected: It is another statement, or concerns tables of Stackfold.
            StatementFailed: The database rejects it.
            ChangeTimedOut: The change took too long.
            ChangeElsewhere: This is another thread or task, or the block has ended.
            PolicyCannotWrite: A policy executes it.
        """
        self.check()
        must_not_be_asking()
        return self._execute(statement, parameters)

    def check(self) -> None:
        """Check that it can be used, here and now.

        Raises:
            ChangeElsewhere: This is another thread or task, or the block has ended.
            ChangeTimedOut: The change took too long.
        """
        if self.closed or _here() != self._owner:
            raise ChangeElsewhere
        if not self.remaining:
            raise ChangeTimedOut(self._timeout)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make it the current unit of work of this context."""
        _open.set((*_open.get(), self))
        try:
            yield
        finally:
            self.closed = True
            _open.set(tuple(each for each in _open.get() if each is not self))


def current_unit(log: object) -> UnitOfWork | None:
    """The unit of work on a log whose block this context is in."""
    return next((each for each in _open.get() if each.log is log and not each.closed), None)


def outside_changes(command: Callable[P, R]) -> Callable[P, R]:
    """Make a command that acts outside of the log raise `OutsideChanges` in a unit of work.

    In a policy it raises `PolicyCannotWrite`.
    """

    @wraps(command)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        must_not_be_asking()
        if in_change():
            raise OutsideChanges(command.__qualname__)
        return command(*args, **kwargs)

    return checked


def in_change() -> bool:
    """Whether this context is in the block of a unit of work, on any log."""
    return not all(each.closed for each in _open.get())


def _here() -> tuple[int, object]:
    """The current thread and async task."""
    asyncio = sys.modules.get("asyncio")  # without it there are no tasks
    task = None
    if asyncio is not None:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no event loop is running in this thread
            task = None
    return threading.get_ident(), task
