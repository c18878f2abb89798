"""What a run costs: CPU per step of a chain, as a multiple of the bare work, and what it scales to.

The bare work of a step is what no tool that keeps a durable record can do without: the call, its
value as JSON, a sha256, a file that is fsynced and renamed into a folder that is fsynced, and one
SQLite transaction with a row of the size of our event. Both are measured in turns, so that a busy
machine slows both down; the figures are medians of process CPU time, this process only.
"""

import hashlib
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

LENGTHS = {10: 15, 100: 9, 1_000: 3, 10_000: 1}
"""Steps in the chain → how often it is measured."""
EVENT = 650
"""Bytes in the record of such a step."""


@step(enable_cache=False)
def first(value: int) -> int:
    return value


@step(enable_cache=False)
def add(value: int) -> int:
    return value + 1


@Pipeline
def chain(length: int, value: int = 0):
    value = first(value)
    for _ in range(length - 1):
        value = add(value)


def cpu(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds."""
    wall, began = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - began, time.perf_counter() - wall


class Bare:
    """The same work without a tool."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.database.execute("CREATE TABLE steps (id INTEGER PRIMARY KEY, state BLOB)")

    def chain(self, length: int) -> None:
        value = 0
        for number in range(length):
            if number:
                value = json.loads(self.path.read_bytes())
                value = add.function(value)
            self.write(value)
            cursor = self.database.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("INSERT INTO steps (state) VALUES (?)", (b"x" * EVENT,))
            cursor.execute("COMMIT")

    def write(self, value: int) -> None:
        data = json.dumps(value).encode()
        self.path = self.folder / hashlib.sha256(data).hexdigest()
        partial = self.folder / "partial"
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path)
        descriptor = os.open(self.folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def measure_chains(ws: Workspace, bare: Bare) -> None:
    print("| steps | CPU per step | bare | ratio | wall per step | memory grown |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    ws.runs.start(chain, {"length": 20})
    bare.chain(20)
    for length, times in LENGTHS.items():
        ours, theirs, ratios, walls = [], [], [], []
        before = resident()
        for _ in range(times):
            ours_now, wall = cpu(lambda n=length: ws.runs.start(chain, {"length": n}))
            theirs_now, _ = cpu(lambda n=length: bare.chain(n))
            ours.append(ours_now / length)
            theirs.append(theirs_now / length)
            ratios.append(ours_now / theirs_now)
            walls.append(wall / length)
        grown = (resident() - before) / 2**20
        print(
            f"| {length:,} | {statistics.median(ours) * 1e3:.2f} ms "
            f"| {statistics.median(theirs) * 1e3:.2f} ms | {statistics.median(ratios):.1f} "
            f"| {statistics.median(walls) * 1e3:.1f} ms | {grown:.1f} MiB |",
            flush=True,
        )


def resident() -> int:
    """Bytes of memory that the process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def measure_parallel(ws: Workspace) -> None:
    @step(enable_cache=False)
    def count(number: int) -> int:
        return sum(range(8_000_000 + number))

    @step(enable_cache=False)
    def nap(number: int) -> int:
        time.sleep(0.5)
        return number

    def four(each):
        def wide():
            for number in range(4):
                each(number)

        return Pipeline(wide, name=each.name)

    print("\n| four steps of | isolation | wall |\n| --- | --- | ---: |")
    for isolation in ("inline", "thread", "process"):
        configuration = {"isolation": isolation, "max_parallel": 4}
        ws.components.register(ComponentType.ORCHESTRATOR, isolation, "local", configuration)
        ws.stacks.register(isolation, orchestrator=isolation, artifact_store="default")
        for each, what in ((nap, "0.5 s of waiting"), (count, "counting in Python")):
            _, wall = cpu(lambda e=each, i=isolation: ws.runs.start(four(e), stack=i))
            print(f"| {what} | {isolation} | {wall:.2f} s |", flush=True)


def in_a_process(program: str) -> tuple[float, str]:
    """CPU of a process of its own, and what it printed."""
    with tempfile.TemporaryDirectory() as home:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "STACKFOLD_HOME": home, "STACKFOLD_ACTOR": "bench@example.com"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, done.stdout


LARGE = """
import resource, sys
from stackfold import Workspace, step
from stackfold.domain.pipelines.pipeline import Pipeline

@step(enable_cache=False)
def make(size: int) -> bytes:
    return bytes(size)

@step(enable_cache=False)
def take(data: bytes) -> int:
    return len(data)

@Pipeline
def large(size: int):
    take(make(size))

with Workspace.open() as ws:
    ws.runs.start(large, {"size": 10})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = ws.runs.start(large, {"size": 2**30})
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert ws.runs.load(run.id, "take") == 2**30
    print((after - before) / 2**20)
"""

START = """
from stackfold import Workspace, step
from stackfold.domain.pipelines.pipeline import Pipeline

@step
def only() -> int:
    return 1

@Pipeline
def alone():
    only()

with Workspace.open() as ws:
    ws.runs.start(alone)
"""

BY_COMMAND = """
import sys
from pathlib import Path
Path({home!r}, "p.py").write_text('''
from stackfold import pipeline, step

@step
def only() -> int:
    return 1

@pipeline
def alone():
    only()
''')
from stackfold.cli.main import run
sys.exit(run(["pipeline", "run", {home!r} + "/p.py"]))
"""


def measure_processes() -> None:
    print("\n| a process of its own | measured |\n| --- | ---: |")
    starts = [in_a_process(START)[0] for _ in range(5)]
    print(f"| first use and a run of one step, in Python | {statistics.median(starts):.2f} s CPU |")
    with tempfile.TemporaryDirectory() as folder:
        program = BY_COMMAND.format(home=folder)
        starts = [in_a_process(program)[0] for _ in range(5)]
    print(f"| the same by `pipeline run` | {statistics.median(starts):.2f} s CPU |", flush=True)
    _, told = in_a_process(LARGE)
    print(f"| 1 GiB of bytes written and read: peak memory | {float(told):.2f} GiB more |")


def main() -> None:
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}\n")
    # On the same disk as the users' own homes usually are: not in memory.
    with tempfile.TemporaryDirectory(prefix="stackfold-bench-", dir=".") as folder:
        home = Path(folder)
        bare = Bare(Path(tempfile.mkdtemp(dir=folder)))
        with Workspace.open(home / "home") as ws:
            measure_chains(ws, bare)
            measure_parallel(ws)
    measure_processes()


if __name__ == "__main__":
    main()
