"""A gateway records requests by a process of its own, which neither delays nor fails them."""

import http.client
import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stackfold.application.deployments.gateways import Listen, Route
from stackfold.infrastructure.gateway.gateways import ProcessGateways
from stackfold.infrastructure.recording import spool
from stackfold.infrastructure.recording.spools import Spools
from stackfold.infrastructure.system import server_process

ID = "00000000-0000-4000-8000-000000000001"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps([len(body)]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self):
        self.do_POST()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/predict"
    server.shutdown()
    server.server_close()


class Recorded:
    """A gateway whose requests may be recorded."""

    def __init__(self, home, url):
        self.home, self.spools = home, Spools(home, None)
        self.gateways = ProcessGateways(home)
        route = Route("a", url, 100, "fraud@7")
        self.gateway = self.gateways.open(ID, Listen(), None, [route])

    def ask(self, content, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway["port"], timeout=30)
        try:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            headers = {"Authorization": "Bearer of-the-client", "Content-Length": str(len(body))}
            connection.request(method, "/predict?key=of-the-client", body, headers)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def lines(self):
        is_recording = self.gateways.is_recording(ID, self.gateway)
        found = self.spools.waiting(ID, is_recording=is_recording)
        return [json.loads(line) for each in found for line in each.read().splitlines()]

    def recorder(self):
        """The process id of the recorder; None if there is none."""
        asked = b"stackfold.infrastructure.recording.recorder"
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if asked in words and str(self.home).encode() in b" ".join(words):
                return int(pid)
        return None

    def until(self, condition):
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture
def recorded(tmp_path, url):
    found = Recorded(tmp_path, url)
    yield found
    found.gateways.close(ID)


def test_requests_are_recorded_with_their_predictions_and_nothing_else(recorded):
    recorded.spools.begin(ID, 1.0, ["input_1"])
    assert recorded.ask([[1, 2]]) == 200
    recorded.ask(b"nothing")
    recorded.ask([[1]], "GET")
    first, second = recorded.lines()
    assert abs(first.pop("at") / 1000 - time.time()) < 60
    assert 0 < first.pop("ms") < 60_000
    assert first == {"model": "fraud@7", "status": 200, "rows": [{"input_0": 1, "prediction": 8}]}
    assert second["problem"] == "it is no JSON"
    folder = recorded.home / "requests" / ID
    for path in folder.rglob("*"):
        assert b"of-the-client" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0 or path.name == "settings.json"


def test_nothing_is_recorded_unless_it_is_asked(recorded):
    recorded.ask([[1, 2]])
    assert recorded.recorder() is None
    assert recorded.lines() == []
    recorded.spools.begin(ID, 1.0, [])
    recorded.ask([[1, 2]])
    assert len(recorded.lines()) == 1
    recorded.spools.end(ID)
    recorded.ask([[3, 4]])
    assert len(recorded.lines()) == 1


def test_a_share_of_the_requests_is_recorded(recorded):
    recorded.spools.begin(ID, 0.5, [])
    for _ in range(60):
        recorded.ask([[1]])
    assert 5 < len(recorded.lines()) < 55


def test_large_bodies_are_passed_on_and_only_counted(recorded):
    recorded.spools.begin(ID, 1.0, [])
    assert recorded.ask(b"[" + b" " * 2**21 + b"1]") == 200
    (line,) = recorded.lines()
    assert line["problem"] == "it is larger than what is recorded"
    assert "rows" not in line


@pytest.mark.slow
def test_a_recorder_that_is_killed_or_hangs_fails_no_request_and_is_started_again(recorded):
    recorded.spools.begin(ID, 1.0, [])
    recorded.ask([[1]])
    recorded.until(recorded.recorder)
    recorded.until(lambda: [*(recorded.home / "requests" / ID).glob("open*")])
    first = recorded.recorder()
    os.kill(first, signal.SIGSTOP)
    assert all(recorded.ask([["x" * 10_000]]) == 200 for _ in range(20))
    os.kill(first, signal.SIGKILL)
    time.sleep(5.1)  # after which it is started again

    def is_another():
        assert recorded.ask([[2]]) == 200
        return recorded.recorder() not in (None, first)

    recorded.until(is_another)
    rows = [line["rows"][0]["input_0"] for line in recorded.lines()]
    assert rows[0] == 1  # what was written before is not lost
    assert rows[-1] == 2


def test_what_was_recorded_survives_the_gateway(recorded):
    recorded.spools.begin(ID, 1.0, [])
    recorded.ask([[1]])
    recorded.gateways.close(ID)
    found = recorded.spools.waiting(ID, is_recording=False)
    assert [each.requests for each in found] == [1]
    assert recorded.recorder() is None
    found[0].discard()
    assert recorded.spools.waiting(ID, is_recording=False) == []


def test_what_was_written_survives_when_all_are_killed(recorded):
    recorded.spools.begin(ID, 1.0, [])
    recorded.ask([[1]])
    folder = recorded.home / "requests" / ID
    recorded.until(lambda: any(each.read_bytes() for each in folder.glob("open*")))
    os.kill(recorded.recorder(), signal.SIGKILL)
    note = json.loads((recorded.home / "gateways" / ID / "gateway.json").read_text())
    os.killpg(note["pid"], signal.SIGKILL)
    process = server_process.ServerProcess(note["pid"], note["started"])
    recorded.until(lambda: not server_process.alive(process))
    with next(folder.glob("open*")).open("ab") as file:
        file.write(b'{"at": 1, "mod')  # a line that was being written
    (batch,) = recorded.spools.waiting(ID, is_recording=False)
    assert [json.loads(line)["model"] for line in batch.read().splitlines()] == ["fraud@7"]


def test_batches_that_wait_too_long_are_deleted(tmp_path):
    for n in range(3):
        (tmp_path / spool.closed_name(n, n, 1)).write_bytes(b"x" * 100)
    assert spool.delete_beyond(tmp_path, 250) == 1
    assert [each.first for each in spool.closed_batches(tmp_path)] == [1, 2]
