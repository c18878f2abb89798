"""What a registration costs, as a multiple of a bare SQLite transaction of the same durability.

In one warm process, on real files in one folder: `components.register` checks the configuration
against the flavor, appends one event with its hash, folds it into the read models, commits, and
answers with the new component. The bare transaction inserts the same bytes into a table:
WAL, synchronous=FULL, BEGIN IMMEDIATE, COMMIT. Pairs take turns; the figures are medians.
"""

import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace

PAIRS = 1000
GOAL = 3.0
"""The most that a registration may cost, in bare transactions."""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock on the wall, and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def bare(path: Path) -> tuple[sqlite3.Connection, Callable[[bytes], None]]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (position INTEGER PRIMARY KEY, state BLOB NOT NULL)")

    def insert(state: bytes) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO events (state) VALUES (?)", (state,))
        connection.execute("COMMIT")

    return connection, insert


def measure(folder: Path) -> None:
    os.environ["STACKFOLD_ACTOR"] = "bench@example.com"
    connection, insert = bare(folder / "bare.sqlite")
    with Workspace.open(folder / "home") as ws:

        def register(name: str) -> None:
            ws.components.register(
                ComponentType.ARTIFACT_STORE, name, "local", {"path": f"/data/{name}"}
            )

        register("warm-up")
        log = sqlite3.connect(folder / "home" / LOG_FILE)
        ((state,),) = log.execute("SELECT state FROM events ORDER BY position DESC LIMIT 1")
        log.close()
        ours, theirs = [], []
        for number in range(PAIRS):
            ours.append(timed(lambda n=number: register(f"store-{n:04}")))
            theirs.append(timed(lambda: insert(state)))
    connection.close()
    report(ours, theirs, len(state))


def report(ours: list[tuple[float, float]], theirs: list[tuple[float, float]], size: int) -> None:
    versions = f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"
    print(f"One registration, median of {PAIRS}, events of {size} bytes; {versions}")
    for column, clock in enumerate(("wall", "CPU")):
        mine, other = (statistics.median(each[column] for each in all) for all in (ours, theirs))
        verdict = "" if mine <= GOAL * other else f": MORE THAN {GOAL:g}"
        print(
            f"  {clock:5}{mine * 1e6:6.0f} us, bare {other * 1e6:6.0f} us, "
            f"{mine / other:.2f} times{verdict}"
        )


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp(prefix="stackfold-bench-", dir=Path.cwd()))
    try:
        measure(place)
    finally:
        shutil.rmtree(place)
