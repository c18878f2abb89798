"""Tasks of the processes of fault tests: `worker.py TASK ARGUMENTS`, with JSON in and out.

One interpreter does many attempts. Where processes race, they meet before each attempt, so that
every attempt is a race.
"""

import json
import mmap
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from workspaces import opened

from stackfold.domain.errors import LogUnavailable, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

STORE = ComponentType.ARTIFACT_STORE


class Meeting:
    """Where processes wait for each other; a byte of a shared file for each."""

    def __init__(self, path: str, me: int, all: int) -> None:
        with Path(path).open("r+b") as file:
            self.seen = mmap.mmap(file.fileno(), all * 4)
        self.me, self.all = me, all

    def meet(self, number: int) -> None:
        self.seen[self.me * 4 : self.me * 4 + 4] = number.to_bytes(4, "big")
        while any(
            int.from_bytes(self.seen[each * 4 : each * 4 + 4], "big") < number
            for each in range(self.all)
        ):
            time.sleep(0.0002)  # two cores are few for eight that only spin


def outcome(command: Callable[[], Any]) -> str:
    """The outcome of a command: "done", the name of a Stackfold error, or another one in full."""
    try:
        command()
    except LogUnavailable as error:
        return str(error)  # which is never a fair outcome of a race, so a test shows why
    except StackfoldError as error:
        return type(error).__name__
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def race(home: str, meeting: Meeting, attempts: int, command: Callable[..., Any]) -> list[str]:
    with opened(home) as ws:
        outcomes = []
        for number in range(1, attempts + 1):
            meeting.meet(number)
            outcomes.append(outcome(lambda n=number: command(ws, n)))
        return outcomes


def register(home: str, meeting: Meeting, attempts: int) -> list[str]:
    return race(
        home, meeting, attempts, lambda ws, n: ws.components.register(STORE, f"n{n:04}", "local")
    )


def update(home: str, meeting: Meeting, attempts: int) -> list[str]:
    """Half of the updates set a shared label, half a label of this process."""
    me = meeting.me

    def command(ws: Workspace, n: int) -> None:
        label = "shared" if n % 2 else f"own-{me}"
        ws.components.update(STORE, "hot", labels={label: f"{me}-{n}"}, why=f"{me}-{n}")

    return race(home, meeting, attempts, command)


def activate(home: str, meeting: Meeting, attempts: int) -> list[str]:
    me = meeting.me

    def command(ws: Workspace, n: int) -> None:
        ws.stacks.activate(random.choice(["a", "b", "c"]), why=f"{me}-{n}")

    return race(home, meeting, attempts, command)


def delete_or_use(home: str, meeting: Meeting, attempts: int) -> list[str]:
    """One process deletes a component, the other one makes a stack of it."""

    def command(ws: Workspace, n: int) -> None:
        if meeting.me:
            ws.components.delete(STORE, f"n{n:04}")
        else:
            ws.stacks.register(f"n{n:04}", orchestrator="default", artifact_store=f"n{n:04}")

    return race(home, meeting, attempts, command)


def model_or_artifact(home: str, meeting: Meeting, attempts: int) -> list[str]:
    """One process registers a model, the other one saves an artifact of that name."""

    def command(ws: Workspace, n: int) -> None:
        if meeting.me:
            ws.artifacts.save(n, f"n{n:04}")
        else:
            ws.models.register(f"n{n:04}")

    return race(home, meeting, attempts, command)


def save_version(home: str, meeting: Meeting, attempts: int) -> list[str]:
    """Every process saves versions of one artifact, half of them with equal bytes."""

    def command(ws: Workspace, n: int) -> None:
        value = n if n % 2 else meeting.me * 1000 + n
        ws.artifacts.save(value, "dataset", label=f"by-{meeting.me}-{n}")

    return race(home, meeting, attempts, command)


def first_use(folder: str, meeting: Meeting, attempts: int) -> list[str]:
    def command(number: int) -> None:
        with opened(f"{folder}{number}") as ws:
            assert [stack.name for stack in ws.stacks.list()] == ["default"]
            ws.components.register(STORE, f"by-{meeting.me}", "local")

    outcomes = []
    for number in range(1, attempts + 1):
        meeting.meet(number)
        outcomes.append(outcome(lambda n=number: command(n)))
    return outcomes


def read(home: str, meeting: Meeting, attempts: int) -> list[str]:
    """One process lists, while the other one takes components out of a stack and deletes them."""

    def command(ws: Workspace, n: int) -> None:
        if meeting.me:
            ws.components.register(STORE, f"n{n:04}", "local")
            ws.stacks.update("a", artifact_store=f"n{n:04}")
            if n > 1:
                ws.components.delete(STORE, f"n{n - 1:04}")
        else:
            for _ in range(5):
                stacks = ws.stacks.list()
                assert all(stack.components["artifact_store"] for stack in stacks)
                ws.components.list(STORE)
                ws.stacks.get("a")

    return race(home, meeting, attempts, command)


def writer() -> None:
    """For each line of input a process of its own writes, until it is killed.

    A line says for how many seconds, and where; the answer is what had been acknowledged.
    """
    warm_up()
    for line in sys.stdin:
        seconds, home = json.loads(line)
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.close(ours)
            write_for_ever(home, theirs)
        os.close(theirs)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(ours) as acknowledged:
            print(json.dumps(acknowledged.read().splitlines()), flush=True)


def write_for_ever(home: str, acknowledged: int) -> None:
    with opened(home) as ws:
        while True:
            name = f"s{os.urandom(5).hex()}"
            ws.components.register(STORE, name, "local", {"path": name})
            os.write(acknowledged, f"component {name}\n".encode())
            ws.stacks.register(name, orchestrator="default", artifact_store=name, activate=True)
            os.write(acknowledged, f"stack {name}\n".encode())


def as_nobody(home: str, new_home: str) -> dict[str, str]:
    """What a user can do who may read the home but not write there."""
    warm_up()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    told: dict[str, str] = {}

    def tell(name: str, command: Callable[[], Any]) -> None:
        try:
            told[name] = json.dumps(command())
        except Exception as error:
            told[name] = f"{type(error).__name__}: {error}"

    with Workspace.open(home) as ws:
        tell("list", lambda: [store.name for store in ws.components.list(STORE)])
        tell("write", lambda: ws.components.register(STORE, "mine", "local"))
        tell("list again", lambda: [store.name for store in ws.components.list(STORE)])
    tell("first use", lambda: Workspace.open(new_home))
    return told


def warm_up() -> None:
    """Import all that will be needed."""
    import_module("stackfold.infrastructure.database.postgres_claims")
    with Workspace.in_memory() as ws:
        ws.components.register(STORE, "a", "local")
        ws.stacks.register("a", orchestrator="default", artifact_store="a", activate=True)


def main() -> None:
    task, *arguments = sys.argv[1:]
    if task == "writer":
        writer()
    elif task == "as_nobody":
        print(json.dumps(as_nobody(*arguments)))
    else:
        place, path, me, all, attempts = arguments
        warm_up()
        meeting = Meeting(path, int(me), int(all))
        print(json.dumps(globals()[task](place, meeting, int(attempts))))


if __name__ == "__main__":
    main()
