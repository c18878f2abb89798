"""A progress bar for long operations."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any


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
