"""Asks what may not answer, such as servers, for a limited time."""

from collections.abc import Callable, Mapping
from contextvars import copy_context
from queue import Empty, Queue
from threading import BoundedSemaphore, Event, Thread
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

SECONDS = 1.5
"""How long a page waits, unless it says otherwise."""
MOST = 8
"""The most questions of all pages that are asked at the same time."""

_FREE = BoundedSemaphore(MOST)


def answers(questions: Mapping[str, Callable[[], T]], seconds: float | None = None) -> dict[str, T]:
    """The answers to questions that came in time, by the names of the questions.

    Daemon threads ask, so that neither a page nor the end of the process waits for one that hangs.

    Args:
        questions: Functions that return an answer; one that raises has none.
        seconds: How long to wait; None for `SECONDS`.
    """
    waiting: Queue[tuple[str, Callable[[], T]]] = Queue()
    given: Queue[tuple[str, T] | None] = Queue()
    over = Event()
    for each in questions.items():
        waiting.put(each)

    def work() -> None:
        try:
            while not over.is_set():
                name, ask = waiting.get_nowait()
                answer = None
                try:
                    answer = (name, ask())
                finally:
                    given.put(answer)
        except Empty:
            pass
        finally:
            _FREE.release()

    for _ in range(min(len(questions), MOST)):
        if _FREE.acquire(blocking=False):
            Thread(target=copy_context().run, args=(work,), daemon=True).start()
    found: dict[str, T] = {}
    deadline = monotonic() + (SECONDS if seconds is None else seconds)
    try:
        for _ in questions:
            answer = given.get(timeout=max(0.0, deadline - monotonic()))
            if answer is not None:
                found[answer[0]] = answer[1]
    except Empty:
        pass
    over.set()
    return found
