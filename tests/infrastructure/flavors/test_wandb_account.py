"""Whether a W&B server answers and knows a key. A server here answers as W&B's API does."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.wandb.account import require_account

KEY = "planted-key"


@pytest.fixture
def server():
    """A server that knows one key; its `status` can be set."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert "viewer" in asked["query"]
            known = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
            viewer = {"id": "ada"} if self.headers["Authorization"] == known else None
            self.send_response(http.status)
            self.end_headers()
            self.wfile.write(http.body or json.dumps({"data": {"viewer": viewer}}).encode())

        def log_message(self, *_): ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.status, http.body = 200, b""
    http.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield http
    http.shutdown()
    http.server_close()


def refusal(url, key):
    with pytest.raises(TrackerUnavailable) as caught:
        require_account(url, key)
    assert "\n" not in str(caught.value)
    assert "planted" not in str(caught.value)
    return str(caught.value)


def test_a_key_that_it_knows_is_fine(server):
    require_account(server.url, KEY)


def test_without_a_key_it_is_enough_that_it_answers(server):
    require_account(server.url, None)


def test_a_key_that_it_does_not_know_is_told(server):
    assert refusal(server.url, "planted-other").endswith("correct the secret behind api_key")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told(server, status):
    server.status = status
    assert refusal(server.url, KEY).endswith("correct the secret behind api_key")


def test_a_failing_server_is_told(server):
    server.status = 500
    assert refusal(server.url, KEY).endswith("it answers with the status 500")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_something_else_is_told(server, body):
    server.body = body
    assert "cannot be used: " in refusal(server.url, KEY)


def test_nothing_there_is_told():
    assert refusal("http://127.0.0.1:1", KEY).endswith("start it, or correct base_url")
