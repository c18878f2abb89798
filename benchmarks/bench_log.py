"""CPU of reading and verifying a log, as a multiple of `log.events()` in the same run.

    python benchmarks/bench_log.py [--events 100000] [--scratch FOLDER]

The log is that of `bench_growth.py` (20 stacks, 60 components, one author) with runs of a second
author among it. Everything is measured in turns; the ratios are medians of the turns.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_growth import filled

from stackfold.infrastructure.workspace import Workspace

GOAL = 5.0
TURNS = 5


def readings(ws: Any) -> dict[str, Callable[[], int]]:
    """Name → what reads, and returns how many it has found."""

    def entries(**wanted: Any) -> Callable[[], int]:
        return lambda: sum(1 for _ in ws.log.entries(**wanted))

    return {
        "events()": lambda: sum(1 for _ in ws.log.events()),
        "entries()": entries(),
        "entries(by=everything's author)": entries(by="ada@example.com"),
        "entries(by=nobody)": entries(by="nobody"),
        "entries(kind=artifact_store)": entries(kind="artifact_store"),
        "entries(kind=stack)": entries(kind="stack"),
        "entries(kind=activation)": entries(kind="activation"),
        "entries(name=store-7)": entries(name="store-7"),
        "entries(name=nothing)": entries(name="nothing"),
        "entries(by=…, kind=stack, name=stack-7)": entries(
            by="ada@example.com", kind="stack", name="stack-7"
        ),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--scratch", type=Path, help="where to put the log")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-log-", dir=options.scratch) as folder,
        filled(Path(folder, "home"), options.events) as ws,
    ):
        print_table(measured(readings(ws), options.turns))
    print_growth(registrations())


def registrations() -> dict[int, float]:
    """Stacks that are there → median CPU seconds of registering one more."""
    taken = {}
    with Workspace.in_memory() as ws:
        there = 0
        for wanted in (10, 1000):
            for number in range(there, wanted):
                ws.stacks.copy("default", f"s{number}")
            there = wanted
            seconds = []
            for number in range(30):
                begun = time.process_time()
                ws.stacks.register(
                    f"new-{wanted}-{number}", orchestrator="default", artifact_store="default"
                )
                seconds.append(time.process_time() - begun)
            taken[wanted] = statistics.median(seconds)
    return taken


def print_growth(taken: dict[int, float]) -> None:
    """Print what registering a stack costs among few and among many."""
    few, many = min(taken), max(taken)
    print(f"\nstacks.register: {taken[few] * 1000:.2f} ms among {few} stacks, ", end="")
    print(f"{taken[many] * 1000:.2f} ms among {many:,}: {taken[many] / taken[few]:.2f} times")


def measured(
    actions: dict[str, Callable[[], int]], turns: int
) -> dict[str, tuple[int, list[float]]]:
    """Name → what it found, and its CPU seconds in each turn."""
    taken: dict[str, tuple[int, list[float]]] = {name: (0, []) for name in actions}
    for _ in range(turns):
        for name, action in actions.items():
            begun = time.process_time()
            found = action()
            taken[name] = (found, [*taken[name][1], time.process_time() - begun])
    return taken


def print_table(taken: dict[str, tuple[int, list[float]]]) -> None:
    """Print each reading with its ratio to the first."""
    base = next(iter(taken.values()))[1]
    print(f"| reading | found | CPU | times `events()`, at most {GOAL:g} |")
    print("| --- | ---: | ---: | ---: |")
    for name, (found, seconds) in taken.items():
        ratio = statistics.median(one / other for one, other in zip(seconds, base, strict=True))
        cpu = statistics.median(seconds)
        print(f"| `{name}` | {found:,} | {cpu * 1000:.0f} ms | {ratio:.2f} |")


if __name__ == "__main__":
    main()
