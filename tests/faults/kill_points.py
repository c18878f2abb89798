"""Runs tasks in processes that are killed at a point: `kill_points.py`, one task per line on stdin.

A line is JSON: the task, its folder, and the number of the point at which a child process is killed
with SIGKILL. Each opening, creation, renaming, linking or deletion of a file or folder below that
folder is a point. The response says whether the point was reached.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from workspaces import opened, stack

from stackfold.infrastructure.workspace import Workspace

OLD, NEW = "planted-old-value", "planted-new-value"
_POINTS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "sqlite3.connect"}


def update_secret(place: Path) -> None:
    with Workspace.open(place / "home") as ws:
        ws.secrets.update("hub", {"token": NEW})


def create_secret(place: Path) -> None:
    with Workspace.open(place / "home") as ws:
        ws.secrets.create("other", {"token": NEW}, store="file")


def import_log(place: Path) -> None:
    Workspace.import_log(place / "log.jsonl", place / "copy")


def fork(place: Path) -> None:
    with Workspace.open(place / "home") as ws:
        ws.log.fork(None, place / "copy")


def first_use(place: Path) -> None:
    Workspace.open(place / "copy").close()


def init(place: Path) -> None:
    with Workspace.open(place / "home") as ws:
        ws.init_project(place / "project")


def register_file(place: Path) -> None:
    with Workspace.open(place / "home") as ws:
        ws.artifacts.register(place / "rows.bin", "rows")


def register_in_place(place: Path) -> None:
    with Workspace.open(place / "home") as ws:
        ws.artifacts.register(place / "rows.bin", "rows", copy=False)


def register_folder(place: Path) -> None:
    with Workspace.open(place / "home") as ws:
        ws.artifacts.register(place / "rows", "rows")


def killed_at(point: int, task: str, place: str) -> None:
    """Run the task in this process, which is killed at the point."""
    passed = 0

    def hook(event: str, arguments: Any) -> None:
        nonlocal passed
        if event in _POINTS and any(place in str(each) for each in arguments):
            passed += 1
            if passed == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    globals()[task](Path(place))


def main() -> None:
    with Workspace.in_memory() as ws:
        stack(ws, "warm-up")
        ws.log.verify()
    assert opened
    for line in sys.stdin:
        task, place, point = json.loads(line)
        child = os.fork()
        if not child:
            try:
                killed_at(point, task, place)
            except BaseException as error:
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(json.dumps(status), flush=True)


if __name__ == "__main__":
    main()
