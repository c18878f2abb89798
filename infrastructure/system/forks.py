"""Notifies objects of forks: a child process must not use connections of its parent.

Connections to SQLite files are closed before the process is forked, and opened again by whichever
process needs them: SQLite keeps the locks of a file in memory, where the child would inherit them
without owning them.
"""

import os
import threading
from contextlib import ExitStack
from typing import Protocol, runtime_checkable
from weakref import WeakSet


class Inherited(Protocol):
    """An object with connections that a forked process must not use."""

    def after_fork(self) -> None:
        """Discard the connections; called in the child process."""
        ...


@runtime_checkable
class ClosedBeforeFork(Inherited, Protocol):
    """An object that closes its connections before this process is forked."""

    def before_fork(self, until_forked: ExitStack) -> None:
        """Close the connections, as far as they are not in use.

        Args:
            until_forked: Closed in the parent process after the fork, such as to release a lock.
        """
        ...


class _Forks:
    """What the hooks of a process share."""

    def __init__(self) -> None:
        self.known: WeakSet[Inherited] = WeakSet()
        self.begin()

    def begin(self) -> None:
        """Begin as a process that was not forked."""
        self.until_forked = ExitStack()
        self.one_at_a_time = threading.RLock()


_forks = _Forks()


def notify_after_fork(inherited: Inherited) -> None:
    """Call `after_fork` of an object in each process that is forked from this one.

    If it has a method `before_fork`, that is called in this process before the fork.
    """
    _forks.known.add(inherited)


def _before() -> None:
    _forks.one_at_a_time.acquire()
    for each in [*_forks.known]:
        if isinstance(each, ClosedBeforeFork):
            each.before_fork(_forks.until_forked)


def _after_in_parent() -> None:
    _forks.until_forked.close()
    _forks.one_at_a_time.release()


def _after_in_child() -> None:
    _forks.until_forked.pop_all()  # what it releases belongs to the parent
    _forks.begin()
    for each in [*_forks.known]:
        each.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
