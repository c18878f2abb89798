"""What a run costs whose steps are all cached, beside the same run without a cache.

Prints CPU per step for a chain of steps: executed, and taken from the cache. The bare work is what
a program without Stackfold would do to know as much: digest the parameters and the code, look an
earlier result up in SQLite, and look whether its file is there with the right size.
"""

import hashlib
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import stackfold
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.infrastructure.workspace import Workspace

REPEATS = 5


@step
def first(value: int = 0) -> int:
    return value


@step
def following(value: int) -> int:
    return value + 1


def chain(length: int) -> Pipeline[...]:
    """A pipeline of so many steps, each of which takes what the one before returned."""

    def steps() -> None:
        value = first()
        for _ in range(length - 1):
            value = following(value)

    return Pipeline(steps, name="chain")


def cpu(action: Callable[[], object]) -> float:
    """Seconds of CPU, user and system."""
    began = time.process_time()
    action()
    return time.process_time() - began


def bare(folder: Path, length: int) -> Callable[[], None]:
    """Looking up as many results without Stackfold."""
    connection = sqlite3.connect(folder / "bare.sqlite")
    connection.execute("CREATE TABLE results (key TEXT PRIMARY KEY, path TEXT, size INTEGER)")
    connection.execute("CREATE TABLE uses (run INTEGER, key TEXT)")
    keys = []
    for number in range(length):
        path = folder / f"{number}"
        path.write_bytes(b"1")
        keys.append(key_of(number))
        connection.execute("INSERT INTO results VALUES (?, ?, 1)", (keys[-1], str(path)))
    connection.commit()

    def look() -> None:
        for number in range(length):
            rows = connection.execute(
                "SELECT path, size FROM results WHERE key = ?", (key_of(number),)
            )
            path, size = rows.fetchone()
            assert os.stat(path).st_size == size
            connection.execute("INSERT INTO uses VALUES (1, ?)", (keys[number],))
        connection.commit()

    return look


def key_of(number: int) -> str:
    parts = [following.function.__code__.co_code.hex(), {"number": number}, "int"]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def measured(length: int) -> tuple[float, float, float]:
    """Seconds of CPU for a chain of that length: executed, cached, and the bare work."""
    pipeline, fresh = chain(length), RunConfiguration(enable_cache=False)
    with tempfile.TemporaryDirectory() as home, Workspace.open(home) as workspace:
        runs = workspace.runs
        executed = min(cpu(lambda: runs.start(pipeline, configuration=fresh)) for _ in range(2))
        cached = statistics.median(cpu(lambda: runs.start(pipeline)) for _ in range(REPEATS))
        assert {each.status for each in runs.steps(runs.list()[0].id)} == {"cached"}
        look = bare(Path(home), length)
        return executed, cached, statistics.median(cpu(look) for _ in range(REPEATS))


def main() -> None:
    print(f"stackfold {stackfold.__version__}, Python {platform.python_version()}")
    print(f"{'steps':>6} {'executed':>10} {'cached':>10} {'bare':>10} {'ratio':>7}   CPU per step")
    for length in (10, 100, 1000):
        executed, cached, plain = measured(length)
        figures = [each / length * 1e6 for each in (executed, cached, plain)]
        shown = " ".join(f"{figure:7.0f} µs" for figure in figures)
        print(f"{length:6} {shown} {cached / plain:7.1f}")


if __name__ == "__main__":
    main()
