"""What a shared log costs, against bare psycopg, and what 16 people who write at once come to.

    python benchmarks/bench_postgres.py [--events 100000] [--seconds 30]

A PostgreSQL of its own is started, durable as it comes (fsync and synchronous_commit on). The bare
transaction has a lock, a look at the last hash, one event and one row, in copies of the same tables
with the same indexes; the bare reads are the very SELECTs that Stackfold sends. Both are measured
in turns; medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks")]

from bench_growth import filled  # noqa: E402  # the path must be set first
from postgres_server import Server, started  # noqa: E402

from stackfold.domain.errors import ConcurrentModification  # noqa: E402
from stackfold.domain.stacks.component_type import ComponentType  # noqa: E402
from stackfold.infrastructure.database.postgres_dialect import translated  # noqa: E402
from stackfold.infrastructure.workspace import Workspace  # noqa: E402

STORE = ComponentType.ARTIFACT_STORE
WRITERS = 16


def main() -> None:
    if sys.argv[1:2] == ["write"]:
        print(json.dumps(write(*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    for server in started(("shared_buffers=256MB", "max_connections=100")):
        version = server.execute("SHOW server_version")[0][0]
        print(f"PostgreSQL {version}, psycopg {psycopg.__version__}, {given.events} events")
        measure(server, given.events)
        race(server, given.seconds)


def measure(server: Server, events: int) -> None:
    server.execute("CREATE DATABASE grown")
    url = server.url("grown")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "log.jsonl")
        with filled(Path(folder, "home"), events) as ws:
            head = ws.log.export(file)
        begun = time.perf_counter()
        assert Workspace.import_log(file, store=url) == head
        print(f"log import: {time.perf_counter() - begun:.1f} s, the same head")
    server.execute("VACUUM ANALYZE", "grown")
    with Workspace.open(store=url) as ws, bare(url) as (register, connection):
        numbers = iter(range(10**9))
        middle = events // 2
        for name, ask in (
            ("stacks.list()", ws.stacks.list),
            ("components.list()", lambda: ws.components.list(STORE)),
            ("stacks.list(as_of=middle)", lambda: ws.stacks.list(as_of=middle)),
            ("components.list(as_of=middle)", lambda: ws.components.list(STORE, as_of=middle)),
            ("components.get()", lambda: ws.components.get(STORE, "store-7")),
        ):
            statements = sent(ws, ask)
            show(
                name,
                ask,
                lambda s=statements: [connection.execute(*each).fetchall() for each in s],
                200,
            )
        show(
            "register",
            lambda: ws.components.register(STORE, f"n{next(numbers)}", "local"),
            register,
            300,
        )
        begun = time.perf_counter()
        assert ws.log.verify().intact
        print(f"log verify: {time.perf_counter() - begun:.1f} s")


@contextmanager
def bare(url: str) -> Iterator[tuple[Callable[[], None], psycopg.Connection[Any]]]:
    """A bare registration, and the connection that it uses."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path TO bare, stackfold")
        connection.execute("CREATE SCHEMA bare")
        for table in ("events", "components"):
            connection.execute(f"CREATE TABLE bare.{table} (LIKE stackfold.{table} INCLUDING ALL)")
            connection.execute(f"INSERT INTO bare.{table} SELECT * FROM stackfold.{table}")
        event = connection.execute(
            "SELECT * FROM events WHERE topic = 'component.registered'"
        ).fetchone()
        row = connection.execute("SELECT * FROM components WHERE until IS NULL").fetchone()
        assert event
        assert row
        into_events, into_rows = (
            f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(values))})"
            for table, values in (("events", event), ("components", row))
        )
        names = [
            column.name for column in connection.execute("SELECT * FROM components").description
        ]
        numbers = iter(range(10**9))

        def register() -> None:
            id = f"bare-{next(numbers)}"
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(7)")
                ((position, _),) = connection.execute(
                    "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1"
                )
                values = (position + 1, position + 1, event[2], id, 1, *event[5:])
                connection.execute(into_events, values)
                own = dict(zip(names, row, strict=True))
                own |= {"id": id, "name": id, "since": position + 1, "revision": 1}
                connection.execute(into_rows, [*own.values()])

        yield register, connection


def sent(ws: Workspace, ask: Callable[[], object]) -> list[tuple[bytes, Any]]:
    """The SELECTs that a question sends."""
    statements: list[tuple[bytes, Any]] = []
    read = ws._database.read

    def spy(statement: str, parameters: Any = ()) -> list[Any]:
        statements.append((translated(statement), parameters))
        return read(statement, parameters)

    ws._database.read = spy  # type: ignore[method-assign]
    try:
        ask()
    finally:
        del ws._database.read
    return statements


def show(name: str, ours: Callable[[], object], theirs: Callable[[], object], times: int) -> None:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(times + 20):
        for action, into in zip((ours, theirs), taken, strict=True):
            begun = time.perf_counter()
            action()
            if number >= 20:
                into.append(time.perf_counter() - begun)
    one, other = (statistics.median(each) * 1000 for each in taken)
    print(f"{name}: {one:.2f} ms, bare {other:.2f} ms, ratio {one / other:.2f}")


# -- many who write


def race(server: Server, seconds: float) -> None:
    server.execute("CREATE DATABASE raced")
    url = server.url("raced")
    with Workspace.open(store=url) as ws:
        ws.components.register(STORE, "hot", "local")
        before = ws.log.head().position
    start = time.time() + 5
    writers = [
        subprocess.Popen(
            [sys.executable, __file__, "write", url, str(number), str(start), str(seconds)],
            stdout=subprocess.PIPE,
            env={**os.environ, "STACKFOLD_ACTOR": f"writer-{number}"},
        )
        for number in range(WRITERS)
    ]
    told = [json.loads(writer.communicate()[0]) for writer in writers]
    latencies = sorted(each for one in told for each in one["latencies"])
    outcomes = Counter[str]()
    for one in told:
        outcomes.update(one["outcomes"])
    with Workspace.open(store=url) as ws:
        must_hold_all(ws, before, told)
    recorded = sum(len(one["whys"]) for one in told)
    print(
        f"{WRITERS} writers for {seconds:.0f} s: {recorded} events, "
        f"{recorded / seconds:.0f} a second; "
        f"median {statistics.median(latencies) * 1000:.0f} ms, "
        f"p99 {latencies[int(len(latencies) * 0.99)] * 1000:.0f} ms; "
        f"{sum(one['retries'] for one in told)} lost races tried again, {dict(outcomes)}; "
        "none lost, none out of order"
    )


def must_hold_all(ws: Workspace, before: int, told: list[dict[str, Any]]) -> None:
    """Exactly what was acknowledged is there, in each writer's order, and the log verifies."""
    found: dict[str, list[str]] = {}
    times = []
    for number, event in enumerate(ws.log.events(after=before), before + 1):
        assert event.position == number
        found.setdefault(event.data["by"], []).append(event.data["why"])
        times.append(event.recorded_at)
    assert times == sorted(times)
    assert found == {f"writer-{n}": one["whys"] for n, one in enumerate(told) if one["whys"]}
    assert ws.log.verify().intact


def write(url: str, me: str, start: str, seconds: str) -> dict[str, Any]:
    """Register something of one's own, and change what everybody changes, in turns."""
    latencies, whys, tries = [], [], [0]
    outcomes = Counter[str]()
    with Workspace.open(store=url) as ws:
        repository = ws._services.repository
        save = repository.save

        def counted(*arguments: Any, **more: Any) -> Any:
            tries[0] += 1
            return save(*arguments, **more)

        repository.save = counted  # type: ignore[method-assign]
        ws.stacks.list()
        time.sleep(max(0.0, float(start) - time.time()))
        end = time.monotonic() + float(seconds)
        number = 0
        while time.monotonic() < end:
            number += 1
            why = f"{me}-{number}"
            begun = time.perf_counter()
            try:
                if number % 2:
                    ws.components.register(STORE, f"s{why}", "local", why=why)
                else:
                    label = "shared" if number % 4 else f"of-{me}"
                    ws.components.update(STORE, "hot", labels={label: why}, why=why)
                outcomes["recorded"] += 1
                whys.append(why)
            except ConcurrentModification:
                outcomes["told that it was changed meanwhile"] += 1
            latencies.append(time.perf_counter() - begun)
    return {
        "latencies": latencies,
        "whys": whys,
        "outcomes": outcomes,
        "retries": tries[0] - len(latencies),
    }


if __name__ == "__main__":
    main()
