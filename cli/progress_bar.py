"""Shows on a terminal how far a long operation has come, or what it waits for."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from stackfold.cli.escapes import escaped
from stackfold.cli.times import duration

if TYPE_CHECKING:
    from rich.text import Text

_SHORT = 1.0
"""Seconds that an operation takes before it is shown."""


@contextmanager
def bar(title: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Provide a callback for the progress out of `total`; None without a terminal.

    rich is loaded on the first call, as short operations never make one.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:

        @cache
        def drawn() -> tuple[Any, Any]:
            from rich.console import Console
            from rich.progress import Progress

            progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
            return progress, progress.add_task(title, total=total)

        def report(done: int) -> None:
            progress, task = drawn()
            progress.update(task, completed=done)

        yield report


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal what the block waits for, and for how long it has.

    Args:
        text: What it waits for, such as "deploying scorer".
    """
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_show, args=(_Wait(text), ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _Wait:
    def __init__(self, text: str) -> None:
        self._text = text
        self._began = time.monotonic()

    def __rich__(self) -> "Text":
        from rich.text import Text

        shown = f"{escaped(self._text)}: {duration(time.monotonic() - self._began)}"
        return Text(shown, style="blue", no_wrap=True, overflow="ellipsis")


def _show(wait: _Wait, ended: threading.Event) -> None:
    if ended.wait(_SHORT):
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with Live(wait, console=console, transient=True, refresh_per_second=4, redirect_stdout=False):
        ended.wait()
