"""How fast a projection is applied, how late a follower sees an event, and what waiting costs.

    python benchmarks/bench_projections.py [--events 100000] [--writes 100] [--scratch FOLDER]

The log is that of `bench_growth.py`, on SQLite and in a PostgreSQL of its own, durable as it comes.
The projection does nothing, so the rate is that of reading, loading and checkpoints. Bare is the
same SELECT with `orjson.loads` of each event. All are measured in turns; rates are medians.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks")]

from bench_growth import STORE, filled  # noqa: E402  # the path must be set first
from postgres_server import started  # noqa: E402

from stackfold.eventsourcing import Projection  # noqa: E402
from stackfold.infrastructure.eventstore.records import records  # noqa: E402
from stackfold.infrastructure.workspace import Workspace  # noqa: E402

TURNS = 5
GOALS = {"SQLite": 40_000, "PostgreSQL": 20_000}
LATENCY_GOAL = 0.1
IDLE = 5.0


class Nothing(Projection):
    """Applies every event, and does nothing."""

    def apply(self, event: Any, change: Any) -> None:
        """Do nothing."""


class Rebuilt(Nothing):
    """The same, from the beginning in every turn."""

    def drop(self, change: Any) -> None:
        """Do nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--writes", type=int, default=100)
    parser.add_argument("--scratch", type=Path, help="where to put the log")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.scratch) as name:
        folder = Path(name)
        file = folder / "log.jsonl"
        with filled(folder / "home", given.events) as ws:
            ws.log.export(file)
            measure("SQLite", ws, str(folder / "mine.db"), given.events)
        follow(partial(Workspace.open, folder / "home"), given.writes)
        for server in started(("shared_buffers=256MB",)):
            for database in ("log", "mine"):
                server.execute(f"CREATE DATABASE {database}")
            url = server.url("log")
            Workspace.import_log(file, store=url)
            with Workspace.open(store=url) as ws:
                measure("PostgreSQL", ws, server.url("mine"), given.events)
            follow(partial(Workspace.open, store=url), given.writes)


# -- rates


def measure(database: str, ws: Workspace, into: str, events: int) -> None:
    """Print the rates of reading the whole log in several ways."""
    readings: dict[str, Callable[[], object]] = {
        "bare SELECT and JSON": lambda: sum(
            len(orjson.loads(each.state)) for each in records(ws._database)
        ),
        "subscribe": lambda: sum(1 for _ in ws.subscribe(timeout=0)),
        "subscribe, batches": lambda: sum(
            len(batch) for batch in ws.subscribe(timeout=0).batches(1000)
        ),
        "run_projection": lambda: ws.run_projection(Rebuilt(), into, timeout=0, rebuild=True),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in readings}
    for _ in range(TURNS):
        for name, read in readings.items():
            begun = time.perf_counter(), time.process_time()
            read()
            ended = time.perf_counter(), time.process_time()
            taken[name].append((ended[0] - begun[0], ended[1] - begun[1]))
    bare = taken["bare SELECT and JSON"]
    print(
        f"{database}, {events:,} events, the goal of a projection is {GOALS[database]:,} a second"
    )
    for name, turns in taken.items():
        wall, cpu = (statistics.median(each) for each in zip(*turns, strict=True))
        ratio = statistics.median(one[1] / other[1] for one, other in zip(turns, bare, strict=True))
        print(
            f"  {name}: {events / wall:,.0f} events a second, {events / cpu:,.0f} per second of "
            f"CPU; {ratio:.1f} times the CPU of the bare reading"
        )


# -- latency


def follow(opened: Callable[[], Workspace], writes: int) -> None:
    """Print how late followers see events, and the CPU that they use while nothing happens."""
    for name, follower in (
        ("subscribe", subscribing),
        ("subscribe_async", subscribing_in_a_loop),
        ("run_projection", projecting),
    ):
        with opened() as reader, opened() as writer, tempfile.TemporaryDirectory() as folder:
            seen: dict[int, float] = {}
            committed: dict[int, float] = {}
            head = reader.log.head().position
            stop = follower(reader, seen, head, Path(folder))
            for number in range(writes):
                writer.components.register(STORE, f"{name}-{number}-{head}", "local")
                committed[head + number + 1] = time.monotonic()
                time.sleep(0.007)  # not in step with the polls
            while len(seen) < writes:
                time.sleep(0.01)
            begun = time.process_time()
            time.sleep(IDLE)
            idle = (time.process_time() - begun) / IDLE
            stop()
        late = sorted(max(0.0, seen[each] - committed[each]) * 1000 for each in committed)
        print(
            f"  {name}: {writes} events seen after {statistics.median(late):.1f} ms (median), "
            f"p99 {late[int(len(late) * 0.99) - 1]:.1f} ms, at most {late[-1]:.1f} ms, "
            f"goal {LATENCY_GOAL * 1000:.0f} ms; {idle:.2%} of a CPU while it waits"
        )


def subscribing(
    ws: Workspace, seen: dict[int, float], head: int, folder: Path
) -> Callable[[], None]:
    events = ws.subscribe(after=head)

    def note() -> None:
        for event in events:
            seen[event.position] = time.monotonic()

    return in_thread(note, events.stop)


def subscribing_in_a_loop(
    ws: Workspace, seen: dict[int, float], head: int, folder: Path
) -> Callable[[], None]:
    events = ws.subscribe_async(after=head)

    async def note() -> None:
        async for event in events:
            seen[event.position] = time.monotonic()

    return in_thread(lambda: asyncio.run(note()), events.stop)


def projecting(
    ws: Workspace, seen: dict[int, float], head: int, folder: Path
) -> Callable[[], None]:
    stop = threading.Event()

    class Noting(Projection):
        def apply(self, event: Any, change: Any) -> None:
            if change.position > head:
                seen[change.position] = time.monotonic()

    ws.run_projection(Noting(), folder / "mine.db", timeout=0)
    return in_thread(lambda: ws.run_projection(Noting(), folder / "mine.db", stop=stop), stop.set)


def in_thread(work: Callable[[], object], stop: Callable[[], None]) -> Callable[[], None]:
    """Start a thread; returns what stops it and waits for it."""
    thread = threading.Thread(target=work)
    thread.start()

    def end() -> None:
        stop()
        thread.join()

    return end


if __name__ == "__main__":
    main()
