"""Notifies objects after a fork: a child process must not use connections of its parent."""

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """An object with connections that a forked process must not use."""

    def after_fork(self) -> None:
        """Discard the connections; called in the child process."""
        ...


_known: "WeakSet[Inherited]" = WeakSet()


def notify_after_fork(inherited: Inherited) -> None:
    """Call `after_fork` of an object in each process that is forked from this one."""
    _known.add(inherited)


def _notify_all() -> None:
    for each in [*_known]:
        each.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_notify_all)
