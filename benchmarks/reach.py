"""How far a command reaches: calls of Stackfold's own functions, and SQL reads.

Everything is counted on the second execution, when modules are loaded and caches are filled.
A call is one of a function in this repository, as `sys.setprofile` reports it: comprehensions
count (Python 3.12 inlines them and so counts fewer), bodies of modules do not. A read is a
statement that SQLite executes and that changes nothing.

Run with `--list` to see each call and each read.
"""

import os
import sqlite3
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from stackfold import Workspace, pipeline, step

ROOT = f"{Path(__file__).parents[1]}{os.sep}"
LAYERS = ("domain", "application", "infrastructure", "web", "cli")
OWN = tuple(f"{ROOT}{folder}{os.sep}" for folder in ("src", *LAYERS))

LIMITS = {
    "stack register": (10, 200),
    "stack revert --with-components": (15, 300),
    "training() of two steps": (15, 600),
}
"""Command → at most so many reads and calls."""


class Reach(NamedTuple):
    """What was counted while a command ran."""

    reads: list[str]
    calls: list[str]


@contextmanager
def counted() -> Iterator[Reach]:
    """Count what happens in the block, in every thread that is started there."""
    reach = Reach([], [])

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OWN) and code.co_name != "<module>":
            reach.calls.append(f"{code.co_filename.removeprefix(ROOT)}: {code.co_qualname}")

    counting.append(reach)
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield reach
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        counting.clear()


counting: list[Reach] = []
connect = sqlite3.connect


def traced(*args: Any, **options: Any) -> sqlite3.Connection:
    """Connect to SQLite; what the connection reads is counted."""
    connection = connect(*args, **options)
    connection.set_trace_callback(trace)
    return connection


def trace(statement: str) -> None:
    if statement.startswith(("SELECT", "WITH", "PRAGMA")):
        for reach in counting:
            reach.reads.append(" ".join(statement.split()))


@step
def load() -> list[float]:
    return [1.0, 2.0, 3.0, 10.0]


@step
def mean(values: list[float], drop_above: float) -> float:
    kept = [value for value in values if value <= drop_above]
    return sum(kept) / len(kept)


@pipeline(enable_cache=False)
def training(drop_above: float = 5.0) -> None:
    mean(load(), drop_above)


def commands(ws: Workspace) -> dict[str, Callable[[str], object]]:
    """Command → what executes it on the stack and the component of a name."""
    return {
        "stack register": lambda name: ws.stacks.register(
            f"new-{name}", orchestrator="default", artifact_store=name
        ),
        "stack revert --with-components": lambda name: ws.stacks.revert(
            name, 1, with_components=True, confirmed=True
        ),
        "training() of two steps": lambda _: training(),
    }


def prepare(ws: Workspace, name: str) -> None:
    """Register a stack and a component, and update each once, so that both can be reverted."""
    ws.components.register("artifact_store", name, "local", {"path": "old"})
    ws.stacks.register(name, orchestrator="default", artifact_store=name)
    ws.stacks.update(name, labels={"tier": "gold"})
    ws.components.update("artifact_store", name, {"path": "new"})


def measure(ws: Workspace, listed: bool) -> None:
    names = ("first", "second")
    for name in names:
        prepare(ws, name)
    print(f"{'command':<34}{'reads':>6}{'at most':>9}{'calls':>8}{'at most':>9}")
    for command, execute in commands(ws).items():
        for name in names:
            with counted() as reach:
                execute(name)
        reads, calls = LIMITS[command]
        print(f"{command:<34}{len(reach.reads):>6}{reads:>9}{len(reach.calls):>8}{calls:>9}")
        if listed:
            print(*(f"    {read}" for read in reach.reads), sep="\n")
            for call, times in Counter(reach.calls).items():
                print(f"    {times:>4} {call}")


def main() -> None:
    sqlite3.connect = traced  # type: ignore[assignment]
    with tempfile.TemporaryDirectory(prefix="stackfold-reach-") as home:
        os.environ.update(STACKFOLD_HOME=home, STACKFOLD_ACTOR="bench@example.com")
        with Workspace.open(home) as ws:
            measure(ws, listed="--list" in sys.argv)


if __name__ == "__main__":
    main()
