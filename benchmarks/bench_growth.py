"""How time grows with the log: 1,000 to 1,000,000 events of 20 stacks and 60 components.

    python benchmarks/bench_growth.py [--scratch FOLDER] [--events 1000 10000 ...]

Each figure is the best of several runs in one process, as time and, in brackets, CPU time.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.eventstore.canonical_json import canonical_json
from stackfold.infrastructure.eventstore.hash_chain import Record, chained
from stackfold.infrastructure.eventstore.records import head
from stackfold.infrastructure.eventstore.verification import verify_chain
from stackfold.infrastructure.workspace import Workspace

STACKS, COMPONENTS = 20, 60
SIZES = (1_000, 10_000, 100_000, 1_000_000)
STORE = ComponentType.ARTIFACT_STORE


class Taken(NamedTuple):
    """Seconds."""

    elapsed: float
    cpu: float


# -- a log of any length


def filled(home: Path, events: int) -> Workspace:
    """A workspace whose log has so many events, spread evenly over its stacks and components."""
    ws = Workspace.open(home)
    for number in range(COMPONENTS):
        ws.components.register(STORE, f"store-{number}", "local", {"path": "/data/0"})
    for number in range(STACKS):
        ws.stacks.register(
            f"stack-{number}", orchestrator="default", artifact_store=f"store-{number}"
        )
    with ws._database.write() as cursor:
        cursor.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", updates(ws, events)
        )
    ws.log.rebuild()
    # As it is between two days of work: all in the one file.
    ws._database.read("PRAGMA wal_checkpoint(TRUNCATE)")
    return ws


def updates(ws: Workspace, upto: int) -> Iterator[Record]:
    """As many updates as are missing, as the log would have recorded them."""
    position, recorded_at, previous = head(ws._database)
    stores = [view.id for view in ws.components.list(STORE) if view.name != "default"]
    stacks = [view.id for view in ws.stacks.list() if view.name != "default"]
    # Three of four changes are changes of components.
    subjects = [*stores, *stacks]
    revisions = dict.fromkeys(subjects, 1)
    begun = datetime.fromisoformat(recorded_at)
    for number in range(upto - position):
        position += 1
        id = subjects[number % len(subjects)]
        revisions[id] += 1
        moment = (begun + timedelta(microseconds=number + 1)).isoformat(timespec="microseconds")
        facts: dict[str, Any] = {
            "by": "ada@example.com",
            "labels": {},
            "timestamp": moment,
            "why": "because it must be measured",
        }
        if id in stores:
            topic = "component.updated"
            facts["configuration"] = {"path": f"/data/{number}"}
        else:
            topic = "stack.updated"
            facts |= {"components": {}, "description": f"the one of round {number}"}
        columns = (
            position,
            position,
            moment.replace("+00:00", "Z"),
            id,
            revisions[id],
            topic,
            canonical_json(facts),
        )
        previous = chained(previous, *columns)
        yield Record(*columns, hash=previous)


# -- what is measured


def measured(ws: Workspace, events: int) -> dict[str, Taken]:
    """Name → how long it took."""
    few = 3 if events <= 100_000 else 2
    middle = events // 2
    number = iter(range(10**9))
    return {
        "stacks.list()": best(ws.stacks.list, 200),
        "stacks.list(as_of=middle)": best(lambda: ws.stacks.list(as_of=middle), 200),
        "stacks.history(limit=20)": best(lambda: ws.stacks.history("stack-7", 20), 50),
        "components.register": best(
            lambda: ws.components.register(STORE, f"new-{next(number)}", "local"), 50
        ),
        "components.update of an old one": best(
            lambda: ws.components.update(STORE, "store-7", {"path": f"/new/{next(number)}"}), 50
        ),
        "bare SELECT and JSON": best(lambda: bare_parse(ws), few),
        "log.rebuild": best(ws.log.rebuild, few),
        "bare scan with sha256": best(lambda: bare_hash(ws), few),
        "log.verify, the chain": best(lambda: must_hold(verify_chain(ws._database)), few),
        "log.verify, all": best(lambda: must_hold(ws.log.verify()), few),
    }


def best(action: Callable[[], object], times: int) -> Taken:
    """The shortest of several runs; of many, the first does not count."""
    if times > 3:
        action()
    runs = []
    for _ in range(times):
        elapsed, cpu = time.perf_counter(), time.process_time()
        action()
        runs.append((time.perf_counter() - elapsed, time.process_time() - cpu))
    return Taken(min(each for each, _ in runs), min(each for _, each in runs))


def bare_parse(ws: Workspace) -> None:
    """What no rebuild can do without: reading the rows and parsing their JSON."""
    rows = ws._database._connection.execute(
        "SELECT position, recorded_at, originator_id, originator_version, topic, state "
        "FROM events ORDER BY position"
    )
    for *_, state in rows:
        orjson.loads(state)


def bare_hash(ws: Workspace) -> None:
    """What no verification can do without: reading the rows and hashing what they hold."""
    previous = b""
    for *_, state, _hash in ws._database._connection.execute(
        "SELECT position, change, recorded_at, originator_id, originator_version, topic, state, "
        "hash FROM events ORDER BY position"
    ):
        previous = hashlib.sha256(previous + state).digest()


def must_hold(found: Any) -> None:
    assert found.intact, found


# -- what is printed


def main() -> None:
    """Measure logs of growing length, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=Path, help="where to put the logs")
    parser.add_argument("--events", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    found: dict[int, dict[str, Taken]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-growth-", dir=options.scratch) as folder:
        for events in options.events:
            with filled(Path(folder, str(events)), events) as ws:
                found[events] = measured(ws, events)
    print_table(found)
    print_ratios(found)


def print_table(found: dict[int, dict[str, Taken]]) -> None:
    print("| events |", " | ".join(f"{events:,}" for events in found), "|")
    print("| --- |", " | ".join("---:" for _ in found), "|")
    for what in next(iter(found.values())):
        cells = (
            f"{shown(taken[what].elapsed)} ({shown(taken[what].cpu)})" for taken in found.values()
        )
        print(f"| {what} |", " | ".join(cells), "|")


def print_ratios(found: dict[int, dict[str, Taken]]) -> None:
    least, most = min(found), max(found)
    print(f"\nFrom {least:,} to {most:,} events (CPU time):")
    for what in [*found[least]][:5]:
        print(f"- {what}: {found[most][what].cpu / found[least][what].cpu:.2f} times")
    for events, taken in found.items():
        above = taken["log.rebuild"].cpu - taken["bare SELECT and JSON"].cpu
        chain = taken["log.verify, the chain"].cpu / taken["bare scan with sha256"].cpu
        whole = taken["log.verify, all"].cpu / taken["bare scan with sha256"].cpu
        print(
            f"- {events:,} events: rebuild {above / events * 1e6:.1f} µs per event above the bare "
            f"SELECT and JSON; verify {chain:.1f} times the bare scan for the chain, {whole:.1f} "
            "with the comparison of the read models"
        )


def shown(seconds: float) -> str:
    """In the unit that fits."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.0f} µs"


if __name__ == "__main__":
    main()
