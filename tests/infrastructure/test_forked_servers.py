"""A process that is forked, as the worker of a server, connects anew to the log that was open."""

import os
import sys
import traceback

import pytest

from stackfold import Workspace, pipeline, step

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


def test_a_workspace_in_memory_is_copied_by_a_fork():
    with Workspace.in_memory() as ws:
        doubling(1)
        assert ended_well(forked(lambda: doubling(2).load("double")))
        assert len(ws.runs.list()) == 1
