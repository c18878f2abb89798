"""A process that is forked, as the worker of a server, connects anew to the log that was open."""

import contextlib
import os
import subprocess
import sys
import threading
import traceback

import pytest

from stackfold import Workspace, pipeline, step
from stackfold.errors import ForkedInTransaction, LogUnavailable, StackfoldError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@step
def double(x: int) -> int:
    return 2 * x


@pipeline
def doubling(x: int = 1):
    double(x)


@pytest.fixture(params=["in a file", "in PostgreSQL"])
def ws(request, tmp_path):
    if request.param == "in a file":
        with Workspace.open(tmp_path / "home") as ws:
            yield ws
        return
    with (
        request.getfixturevalue("postgres").lent() as url,
        Workspace.open(tmp_path / "home", url) as ws,
    ):
        yield ws


def forked(work):
    """Do something in a forked process, and return the process's id."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def ended_well(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def test_workers_and_their_server_use_the_workspace_at_once(ws):
    doubling(0)
    workers = [forked(lambda n=n: [doubling(10 * n + i) for i in range(3)]) for n in (1, 2)]
    for i in range(3):
        doubling(30 + i)
    assert [ended_well(worker) for worker in workers] == [True, True]
    assert len(ws.runs.list()) == 10
    assert {each.status for each in ws.runs.list()} == {"completed"}
    assert ws.log.verify().intact


def test_a_worker_that_closes_the_workspace_leaves_the_servers_open(ws):
    doubling(1)
    assert ended_well(forked(ws.close))
    assert ended_well(forked(lambda: (len(ws.runs.list()) == 1 and ws.close()) or None))
    doubling(2)
    assert len(ws.runs.list()) == 2


def names(ws):
    return [stack.name for stack in ws.stacks.list()]


def register(ws, name):
    ws.stacks.register(name, orchestrator=["default"], artifact_store=["default"])


def reads_and_writes(ws, worker):
    for number in range(50):
        register(ws, f"w{worker}-{number}")
        assert ws.stacks.get(f"w{worker}-{number}").revision == 1


@pytest.mark.slow
def test_each_of_four_workers_gets_right_answers_to_a_hundred_commands(ws):
    register(ws, "before")
    workers = [forked(lambda n=n: reads_and_writes(ws, n)) for n in range(4)]
    ws.stacks.rename("before", "after")
    assert [ended_well(worker) for worker in workers] == [True] * 4
    assert len(names(ws)) == 4 * 50 + 2
    assert ws.log.verify().intact


def test_a_workspace_in_memory_belongs_to_its_process():
    def refused():
        with pytest.raises(LogUnavailable, match="belongs to the process that created it"):
            ws.stacks.list()
        with pytest.raises(LogUnavailable, match="belongs to the process that created it"):
            register(ws, "theirs")
        ws.close()

    with Workspace.in_memory() as ws:
        assert ended_well(forked(refused))
        assert names(ws) == ["default"]
        assert ws.home.is_dir()


def test_a_change_is_continued_by_the_process_that_began_it(ws):
    def worker():
        with pytest.raises(StackfoldError, match="forked"):
            ws.stacks.list()
        with pytest.raises(StackfoldError, match="forked"):
            register(ws, "theirs")

    children = []
    with ws.change():
        register(ws, "first")
        children.append(forked(worker))
        assert ended_well(children[0])
        register(ws, "second")
    assert names(ws) == ["default", "first", "second"]
    assert ws.log.verify().intact


def test_a_worker_cannot_end_a_change_of_its_parent(ws):
    server, child = os.getpid(), None
    try:
        with ws.change(), ws.change():
            register(ws, "first")
            child = os.fork()
    except ForkedInTransaction:
        os._exit(0 if os.getpid() != server else 1)
    finally:
        if os.getpid() != server:
            os._exit(1)
    assert ended_well(child)
    assert names(ws) == ["default", "first"]
    assert ws.log.verify().intact


def test_after_a_change_of_its_parent_a_worker_uses_a_server_but_no_file(ws):
    server = os.getpid()
    with contextlib.suppress(ForkedInTransaction), ws.change():
        child = os.fork()
    if os.getpid() != server:
        status = 1
        try:
            if ws.store:
                register(ws, "theirs")
            else:
                with pytest.raises(LogUnavailable, match="was forked"):
                    register(ws, "theirs")
            status = 0
        finally:
            os._exit(status)
    assert ended_well(child)


def test_a_fork_waits_for_the_change_of_another_thread(ws):
    changing, done = threading.Event(), threading.Event()

    def change():
        with ws.change():
            register(ws, "first")
            changing.set()
            done.wait(0.3)

    thread = threading.Thread(target=change)
    thread.start()
    changing.wait()
    assert ended_well(forked(lambda: register(ws, "theirs")))
    thread.join()
    assert names(ws) == ["default", "first", "theirs"]


def test_a_subscription_continues_in_both_processes(ws):
    events = ws.subscribe(after=ws.log.head(), timeout=20)
    register(ws, "first")
    position = next(events).position

    def worker():
        register(ws, "theirs")
        assert next(events).position == position + 1

    assert ended_well(forked(worker))
    assert next(events).position == position + 1
    events.close()


_SERVER = """
import os, sys
from stackfold import Workspace

ws = Workspace.open(sys.argv[1], sys.argv[2] or None)
ws.stacks.register("prod", orchestrator=["default"], artifact_store=["default"])
memory = Workspace.in_memory()
for name in ("production", "prod"):
    worker = os.fork()
    if not worker:
        ws.stacks.rename(ws.stacks.list()[1].name, name)
        sys.exit()
    os.waitpid(worker, 0)
    assert memory.home.is_dir()
    print(ws.stacks.list()[1].name)
"""


def test_a_worker_that_exits_leaves_the_sessions_of_its_server(ws):
    done = subprocess.run(
        [sys.executable, "-c", _SERVER, ws.home, ws.store or ""],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("production\nprod\n", "")
