"""What a forked process must do with what it inherits: connections belong to who opened them."""

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """Holds what a forked process must not use."""

    def forked(self) -> None:
        """Take note, in the new process, of having been forked."""
        ...


_known: "WeakSet[Inherited]" = WeakSet()


def tell_when_forked(inherited: Inherited) -> None:
    """Call `forked` in each process that is forked from this one."""
    _known.add(inherited)


def _tell_all() -> None:
    for each in [*_known]:
        each.forked()


if hasattr(os, "register_at_fork"):  # not on Windows, which forks nothing
    os.register_at_fork(after_in_child=_tell_all)
