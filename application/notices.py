"""Notices: problems that stop nothing but that users should know of.

A notice goes to the innermost listener of this process, such as the command line, which prints it.
Without a listener it is logged as a warning.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOGGER = "stackfold"
"""The name of the logger for notices without a listener."""

_listeners: list[Callable[[str], object]] = []


def publish_notice(text: str) -> None:
    """Send a notice of one line to the listener, or log it as a warning."""
    if _listeners:
        _listeners[-1](text)
        return
    import logging

    logging.getLogger(LOGGER).warning(text)


@contextmanager
def notices_to(listener: Callable[[str], object]) -> Iterator[None]:
    """Send the notices of all threads to a listener during the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
