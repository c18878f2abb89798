"""A bar that a terminal shows while something takes long."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any


@contextmanager
def bar(title: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Something to be told how much of `total` is done; None where there is no terminal.

    What draws the bar is loaded when something is told, for most is done before that.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:

        @cache
        def drawn() -> tuple[Any, Any]:
            from rich.console import Console
            from rich.progress import Progress

            shown = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
            return shown, shown.add_task(title, total=total)

        def tell(done: int) -> None:
            shown, task = drawn()
            shown.update(task, completed=done)

        yield tell
