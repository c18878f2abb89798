"""What goes on all the same but should be known, told to whoever listens; else it is logged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOGGER = "stackfold"
"""The name of the logger that gets what nobody listens to."""

_listeners: list[Callable[[str], object]] = []


def tell(text: str) -> None:
    """Tell one line to those who listen in this process, or log it as a warning."""
    if _listeners:
        _listeners[-1](text)
        return
    import logging

    logging.getLogger(LOGGER).warning(text)


@contextmanager
def heard_by(listener: Callable[[str], object]) -> Iterator[None]:
    """In the block `listener` is told instead of the logger, in every thread."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
