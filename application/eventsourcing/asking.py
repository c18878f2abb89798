"""Which policy is being asked, so that it can change nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from stackfold.domain.errors import PolicyCannotWrite

_asked: ContextVar[str | None] = ContextVar("stackfold policy", default=None)
"""The name of the policy that this context is asking."""


@contextmanager
def asking(policy: str) -> Iterator[None]:
    """Forbid to write in the block, in any workspace."""
    outer = _asked.get()
    _asked.set(policy)
    try:
        yield
    finally:
        _asked.set(outer)


def must_not_be_asking() -> None:
    """Reject a change that a policy makes.

    Raises:
        PolicyCannotWrite: A policy is being asked in this context.
    """
    policy = _asked.get()
    if policy is not None:
        raise PolicyCannotWrite(policy)
