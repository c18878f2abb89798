"""What the library costs in a warm process, above the statements of SQLite that it sends.

    python benchmarks/bench_library.py

20 stacks and 60 components in one file. Lists and lookups are compared with the very SELECTs that
they send, on a bare connection to the same file; a registration with a bare transaction of the same
bytes and durability, as in `bench_append.py`. CPU time of the process, in turns, medians. Goals: a
list at most 2 times, a lookup at most 3 times, a registration at most 3 times the bare one.
"""

import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks")]

from bench_append import bare  # noqa: E402  # the path must be set first

from stackfold import ComponentType, Workspace  # noqa: E402
from stackfold.infrastructure.system.home import LOG_FILE  # noqa: E402

STORE = ComponentType.ARTIFACT_STORE
STACKS, STORES = 20, 60
BATCHES, BATCH = 60, 40
Statement = tuple[str, Any]


def main() -> None:
    os.environ["STACKFOLD_ACTOR"] = "bench@example.com"
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}; CPU, medians")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        measure(Path(folder))


def measure(folder: Path) -> None:
    with Workspace.open(folder / "home") as ws:
        fill(ws)
        file = folder / "home" / LOG_FILE
        connection = sqlite3.connect(file, isolation_level=None)
        for name, goal, ask in (
            (f"stacks.list(), {STACKS + 1} of them", 2, ws.stacks.list),
            (f"components.list(), {STORES + 1} of them", 2, lambda: ws.components.list(STORE)),
            ("stacks.get(name)", 3, lambda: ws.stacks.get("stack-07")),
            ("stacks.get(), the active one", 3, ws.stacks.get),
            ("components.get(name)", 3, lambda: ws.components.get(STORE, "store-07")),
        ):
            statements = sent(ws, ask)
            show(name, goal, ask, lambda all=statements: replay(connection, all), BATCH)
        connection.close()
        register(ws, folder)


def fill(ws: Workspace) -> None:
    for number in range(STORES):
        path = f"/data/store-{number:02}"
        ws.components.register(STORE, f"store-{number:02}", "local", {"path": path})
    for number in range(STACKS):
        ws.stacks.register(
            f"stack-{number:02}",
            orchestrator=["default"],
            artifact_store=[f"store-{number:02}"],
            labels={"team": "vision"},
        )


def sent(ws: Workspace, ask: Callable[[], object]) -> list[Statement]:
    """The SELECTs that a query sends."""
    statements: list[Statement] = []
    read = ws._database.read

    def spy(statement: str, parameters: Any = ()) -> list[Any]:
        statements.append((statement, parameters))
        return read(statement, parameters)

    ws._database.read = spy  # type: ignore[method-assign]
    try:
        ask()
    finally:
        del ws._database.read
    return statements


def replay(connection: sqlite3.Connection, statements: list[Statement]) -> None:
    for statement, parameters in statements:
        connection.execute(statement, parameters).fetchall()


def register(ws: Workspace, folder: Path) -> None:
    last = [event for event in ws.log.events() if event.topic == "component.registered"][-1]
    state = str(last.data).encode()
    connection, insert = bare(folder / "bare.sqlite")
    numbers = iter(range(10**6))

    def ours() -> None:
        name = f"more-{next(numbers):06}"
        ws.components.register(STORE, name, "local", {"path": f"/data/{name}"})

    show("components.register()", 3, ours, lambda: insert(state), 10)
    connection.close()


def show(
    name: str, goal: int, ours: Callable[[], object], theirs: Callable[[], object], batch: int
) -> None:
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(BATCHES + 3):
        for action, into in zip((ours, theirs), taken, strict=True):
            begun = time.process_time()
            for _ in range(batch):
                action()
            if number >= 3:
                into.append((time.process_time() - begun) / batch)
    one, other = (statistics.median(each) * 1e6 for each in taken)
    over = "" if one <= goal * other else f"   above the goal of {goal}"
    print(f"{name:34} {one:6.0f} us, bare {other:6.0f} us, ratio {one / other:.2f}{over}")


if __name__ == "__main__":
    main()
