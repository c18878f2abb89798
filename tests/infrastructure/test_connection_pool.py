"""Threads that share a workspace on PostgreSQL each use a session of a bounded pool."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stackfold import Workspace
from stackfold.errors import LogUnavailable
from stackfold.infrastructure.database import postgres_pool


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url


def register(ws, name):
    ws.stacks.register(name, orchestrator=["default"], artifact_store=["default"])


def names(ws):
    return [stack.name for stack in ws.stacks.list()]


def sessions(postgres, url):
    """The processes of the server that serve the database."""
    database = url.partition("?")[0].rpartition("/")[2]
    rows = postgres.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}'")
    return {pid for (pid,) in rows}


def test_threads_read_and_write_at_once_with_a_bounded_number_of_sessions(postgres, url):
    most = 0
    with Workspace.open(store=f"{url}?pool_size=3") as ws, ThreadPoolExecutor(8) as threads:

        def work(thread):
            for number in range(5):
                register(ws, f"s{thread}-{number}")
                assert f"s{thread}-{number}" in names(ws)

        working = [threads.submit(work, thread) for thread in range(8)]
        while not all(each.done() for each in working):
            most = max(most, len(sessions(postgres, url)))
        for each in working:
            each.result()
        assert 1 < most <= 3
        assert len(names(ws)) == 8 * 5 + 1
        assert ws.log.verify().intact


def test_one_thread_uses_one_session(postgres, url):
    with Workspace.open(store=url) as ws:
        register(ws, "prod")
        names(ws)
        assert len(sessions(postgres, url)) == 1


def test_lost_sessions_are_replaced(postgres, url):
    with Workspace.open(store=url) as ws, ThreadPoolExecutor(4) as threads:
        together = threading.Barrier(4)

        def look():
            with ws._database.look() as cursor:
                together.wait(20)
                return cursor.execute("SELECT pg_backend_pid()").fetchall()[0][0]

        before = {each.result() for each in [threads.submit(look) for _ in range(4)]}
        assert len(before) == 4
        for pid in before:
            postgres.execute(f"SELECT pg_terminate_backend({pid})")
        assert [*threads.map(lambda _: names(ws), range(8))] == [["default"]] * 8
        [*threads.map(lambda number: register(ws, f"s{number}"), range(4))]
        assert len(names(ws)) == 5


def test_an_exhausted_pool_is_reported_after_a_time_limit(url, monkeypatch):
    monkeypatch.setattr(postgres_pool, "PATIENCE", 0.1)
    with (
        Workspace.open(store=f"{url}?pool_size=1") as ws,
        ThreadPoolExecutor(1) as thread,
    ):
        with ws._database.look(), pytest.raises(LogUnavailable, match=r"\?pool_size="):
            thread.submit(names, ws).result()
        assert thread.submit(names, ws).result() == ["default"]


def test_sessions_that_are_not_used_are_closed(postgres, url, monkeypatch):
    monkeypatch.setattr(postgres_pool, "_IDLE", -1.0)
    with Workspace.open(store=url) as ws, ThreadPoolExecutor(1) as thread:
        with ws._database.look():
            thread.submit(names, ws).result()
            assert len(sessions(postgres, url)) == 2
        names(ws)
        assert len(sessions(postgres, url)) == 1


def test_a_closed_workspace_has_no_sessions(postgres, url):
    ws = Workspace.open(store=url)
    with ThreadPoolExecutor(1) as thread:
        with ws._database.look():
            thread.submit(names, ws).result()
            thread.submit(ws.close).result()
        assert ws._database._pool.bound is None
    with pytest.raises(LogUnavailable, match=r"is closed$"):
        names(ws)
    end = time.monotonic() + 10
    while sessions(postgres, url) and time.monotonic() < end:
        time.sleep(0.02)  # the server notices that a connection was closed
    assert not sessions(postgres, url)
