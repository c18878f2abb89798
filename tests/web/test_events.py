"""`/events`: pages learn that something happened, while a stream waits without a thread."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx
import pytest
from browsing import app_of, get, history

from stackfold import Workspace
from stackfold.web import events
from stackfold.web.events import Events

COMMAND = [sys.executable, "-m", "stackfold", "ui", "--no-browser", "--port", "0"]
WAIT = 60


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Workspace.open().close()


@pytest.fixture
def server(home):
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate(timeout=WAIT)


@contextmanager
def browser_at(server):
    address = server.stdout.readline().strip()
    origin = address.partition("/?")[0]
    with httpx.Client(base_url=origin, timeout=WAIT, follow_redirects=True) as browser:
        assert browser.get(address).status_code == 200
        yield browser


def next_event(lines):
    return next(line for line in lines if line.startswith("data: "))


posix = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a process")


@posix
def test_an_event_is_sent_at_first_and_when_the_log_has_grown(server):
    with browser_at(server) as browser, browser.stream("GET", "/events") as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store"
        lines = stream.iter_lines()
        with Workspace.open() as ws:
            head = ws.log.head().position
            assert next_event(lines) == f"data: {head}"
            ws.stacks.register("prod", orchestrator="default", artifact_store="default")
            assert next_event(lines) == f"data: {ws.log.head().position}"


@pytest.mark.slow
@posix
def test_an_event_is_sent_when_a_running_step_prints(server, tmp_path):
    program = tmp_path / "slow.py"
    program.write_text(
        "import os, sys\n"
        "from stackfold import pipeline, step\n"
        "@step\n"
        "def wait() -> None:\n"
        "    print('begun', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    print('still there', flush=True)\n"
        "    sys.stdin.readline()\n"
        "@pipeline\n"
        "def slow():\n"
        "    wait()\n"
        "if __name__ == '__main__':\n"
        "    slow()\n"
    )
    run = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, text=True)
    try:
        with browser_at(server) as browser, Workspace.open() as ws:
            wait_for(lambda: [*ws.runs.list()] and ws.runs.live("latest"))
            with browser.stream("GET", "/events?run=latest") as stream:
                lines = stream.iter_lines()
                assert next_event(lines).split()[2:] == [str(len("begun\n"))]
                assert 'data-live="/events?run=' in browser.get("/runs/latest").text
                wait_for(lambda: "begun</pre>" in browser.get("/runs/latest").text)
                run.stdin.write("\n")
                run.stdin.flush()
                assert next_event(lines).split()[2:] == [str(len("begun\nstill there\n"))]
                wait_for(lambda: "still there</pre>" in browser.get("/runs/latest").text)
    finally:
        run.communicate("\n\n", timeout=WAIT)


def wait_for(condition):
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError("it did not happen")


@posix
def test_an_open_stream_does_not_hold_the_end_of_the_server(server):
    with browser_at(server) as browser, browser.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        next_event(lines)
        server.send_signal(signal.SIGINT)
        assert [line for line in lines if line] == [], "the stream ends as a stream does"
    _, error = server.communicate(timeout=WAIT)
    assert "ERROR" not in error
    assert "Traceback" not in error


def test_a_stream_needs_the_key(home):
    with Workspace.open() as ws:
        assert get(app_of(ws, key="a-key-of-many-characters"), "/events").status_code == 401


@pytest.fixture(scope="module")
def ws():
    with history() as workspace:
        yield workspace


def streamed(app, query=b"", streams=1, leave=True):
    """What streams send until their clients leave."""
    sent = [[] for _ in range(streams)]

    async def one(messages):
        async def receive():
            if not leave or not any(message.get("body") for message in messages):
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message):
            messages.append(message)

        scope = {"type": "http", "method": "GET", "query_string": query}
        await app(scope, receive, send)

    async def every():
        await asyncio.gather(*map(one, sent))

    asyncio.run(every())
    return sent


def test_the_number_of_streams_is_bounded(ws, monkeypatch):
    monkeypatch.setattr(events, "MOST_STREAMS", 3)
    app = Events(ws)
    statuses = [messages[0]["status"] for messages in streamed(app, streams=5)]
    assert sorted(statuses) == [200, 200, 200, 503, 503]
    assert streamed(app)[0][0]["status"] == 200, "those that ended make room"


def test_streams_share_their_looks_at_the_log(ws, monkeypatch):
    looks = []
    read = Events._read
    monkeypatch.setattr(Events, "_read", lambda self, run: looks.append(run) or read(self, run))
    streamed(Events(ws), streams=20)
    assert looks == [""]


def test_a_stream_ends_after_some_time_or_if_its_run_does_not_exist(ws, monkeypatch):
    monkeypatch.setattr(events, "LIFETIME", 0.01)
    position = str(ws.log.head().position)
    ended = {"type": "http.response.body", "body": b""}
    (sent,) = streamed(Events(ws), leave=False)
    assert [message.get("body") for message in sent[1:]] == [f"data: {position}\n\n".encode(), b""]
    (sent,) = streamed(Events(ws), b"run=nothing", leave=False)
    assert sent[1:] == [ended]
