"""What commands that work until they are interrupted share: how they end, and what they print."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stackfold.cli.render import echo, note


@contextmanager
def stopping(ending: str = "stopping after the current events") -> Iterator[threading.Event]:
    """Yield an event that is set by SIGTERM and Ctrl-C; a second one interrupts as always.

    Args:
        ending: What is printed then.
    """
    stop = threading.Event()

    def end(number: int, _: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        note(ending)

    is_main = threading.current_thread() is threading.main_thread()  # others receive no signals
    numbers = (signal.SIGTERM, signal.SIGINT) if is_main else ()
    before = {each: signal.signal(each, end) for each in numbers}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        echo(record.getMessage())
        sys.stdout.flush()


@contextmanager
def reported(name: str) -> Iterator[None]:
    """Print what is logged.

    Args:
        name: The logger.
    """
    logger = logging.getLogger(name)
    lines = _Lines()
    logger.addHandler(lines)
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.setLevel(before[0])
        logger.propagate = before[1]
