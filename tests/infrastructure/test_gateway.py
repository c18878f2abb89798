"""The gateway passes HTTP on as it is: streams, headers, failures, and shares."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stackfold.application.deployments.gateways import Listen, Route
from stackfold.infrastructure.gateway.gateways import ProcessGateways
from stackfold.infrastructure.gateway.route_table import RouteTable, Target, write_targets

ID = "00000000-0000-4000-8000-000000000001"


class Server(ThreadingHTTPServer):
    """A server that answers in the ways that model servers do."""

    daemon_threads = True

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.go = name, threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v2/models/churn/infer"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/stream":
            self.stream()
        elif self.path == "/dies":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"a part")
            self.close_connection = True
        elif self.path == "/closes":
            self.close_connection = True
        elif self.path == "/slow":
            self.server.go.wait(30)
            self.answer(self.server.name.encode())
        else:
            self.answer(self.server.name.encode())

    do_HEAD = do_GET

    def do_POST(self):
        if self.path == "/early":
            self.send_response(413)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            self.server.go.wait(30)
            self.close_connection = True
            return
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        seen = {"headers": [[k, v] for k, v in self.headers.items()], "bytes": len(body)}
        self.answer(json.dumps({**seen, "path": self.path}).encode())

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (b"one", b"two"):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.server.go.wait(30)
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, body):
        self.send_response(200, "Fine")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Kept", "a")
        self.send_header("X-Kept", "b")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def servers():
    both = [Server("one"), Server("two")]
    yield both
    for each in both:
        each.go.set()
        each.shutdown()
        each.server_close()


@pytest.fixture
def gateways(tmp_path):
    return ProcessGateways(tmp_path)


@pytest.fixture
def gateway(gateways, servers):
    """A gateway in a process of its own; only the first server has a route."""
    yield gateways.open(ID, Listen(), None, [route(servers[0])])
    gateways.close(ID)


def route(server, share=100):
    return Route(server.name, server.url, share, f"fraud@{server.name}")


opened = []


@pytest.fixture(autouse=True)
def _connections_are_closed():
    yield
    while opened:
        opened.pop().close()


def connected(gateway):
    opened.append(http.client.HTTPConnection("127.0.0.1", gateway["port"], timeout=30))
    return opened[-1]


def got(gateway, path="/", connection=None):
    connection = connection or connected(gateway)
    connection.request("GET", path)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read(), answer
    finally:
        answer.close()


def test_an_answer_is_passed_on_and_names_the_model(gateway):
    connection = connected(gateway)
    for _ in range(3):  # on one connection
        status, body, answer = got(gateway, connection=connection)
        assert (status, answer.reason, body) == (200, "Fine", b"one")
        assert answer.headers.get_all("X-Kept") == ["a", "b"]
        assert answer.headers["Stackfold-Model"] == "fraud@one"
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    assert (answer.headers["Content-Length"], answer.read()) == ("3", b"")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_is_passed_on_whole(gateway, chunked):
    connection = connected(gateway)
    body = b"x" * 3_000_000
    connection.request(
        "POST",
        "/v2/models/gr%C3%B6%C3%9Fe/infer?a=b%20c",
        iter([body[:10], body[10:]]) if chunked else body,
        {"X-Request": "7", "Connection": "keep-alive, X-Hop", "X-Hop": "here", "TE": "trailers"},
        encode_chunked=chunked,
    )
    seen = json.loads(connection.getresponse().read())
    headers = dict(seen["headers"])
    assert (seen["path"], seen["bytes"]) == ("/v2/models/gr%C3%B6%C3%9Fe/infer?a=b%20c", len(body))
    assert headers["X-Request"] == "7"
    assert headers["Host"] == f"127.0.0.1:{gateway['port']}"
    assert not {"X-Hop", "TE"} & {*headers}


def test_a_client_that_waits_for_permission_gets_it(gateway):
    with socket.create_connection(("127.0.0.1", gateway["port"]), timeout=30) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(b"{}")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_stream_arrives_as_it_is_sent(gateway, servers):
    connection = connected(gateway)
    connection.request("GET", "/stream")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.read(3) == b"one", "before the rest was sent"
    servers[0].go.set()
    assert answer.read() == b"two"


def test_requests_in_progress_are_answered_by_the_former_server(gateway, gateways, servers):
    slow = []
    thread = threading.Thread(target=lambda: slow.append(got(gateway, "/slow")[:2]))
    thread.start()
    while gateways.drain(ID, gateway, ["one"], 0):
        time.sleep(0.01)
    gateways.route(ID, [route(servers[1])])
    assert got(gateway)[1] == b"two"
    assert not gateways.drain(ID, gateway, ["one"], 0.1)
    servers[0].go.set()
    assert gateways.drain(ID, gateway, ["one"], 30)
    thread.join()
    assert slow == [(200, b"one")]


def test_a_server_that_is_away_is_a_bad_gateway(gateway, gateways, servers):
    servers[0].shutdown()
    servers[0].server_close()
    status, body, _ = got(gateway)
    assert (status, json.loads(body)) == (
        502,
        {"error": "the server of fraud@one does not answer"},
    )
    gateways.route(ID, [])
    assert got(gateway)[0] == 503
    gateways.route(ID, [route(servers[1])])
    assert got(gateway)[:2] == (200, b"two")


def test_a_server_that_ends_while_it_answers(gateway):
    assert got(gateway, "/closes")[0] == 502
    with pytest.raises(http.client.IncompleteRead):
        got(gateway, "/dies")
    assert got(gateway)[0] == 200


def test_an_early_answer_reaches_a_client_that_still_sends(gateway):
    connection = connected(gateway)
    connection.request("POST", "/early", iter([b"x" * 1000] * 500), encode_chunked=True)
    assert connection.getresponse().status == 413


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_rejected(gateway, request_):
    with socket.create_connection(("127.0.0.1", gateway["port"]), timeout=30) as client:
        client.sendall(request_)
        assert client.recv(100).startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))
    assert got(gateway)[0] == 200


def test_it_survives_and_keeps_its_port(gateway, gateways, servers, tmp_path):
    assert gateways.open(ID, Listen(), gateway, [route(servers[1])]) == gateway
    assert got(gateway)[1] == b"two"
    gateways.close(ID)
    assert gateways.state(ID, gateway).status == "down"
    assert gateways.open(ID, Listen(), gateway, [route(servers[0])]) == gateway
    assert gateways.state(ID, {**gateway, "host": "there"}).status == "elsewhere"
    other = "00000000-0000-4000-8000-000000000002"
    assert gateways.state(other, gateway).status == "down", "its port is another one's"


def test_a_port_that_is_taken_is_said(gateways, servers):
    with pytest.raises(OSError, match="nothing can listen at 127"):
        gateways.open(ID, Listen("127.0.0.1", servers[0].server_port), None, [])
    gateways.close(ID)


def test_it_ends_with_its_folder(gateway, tmp_path):
    (tmp_path / "gateways" / ID / "routes.json").unlink()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            got(gateway)
        except ConnectionError:
            return
        time.sleep(0.05)
    raise AssertionError("it goes on")


def test_the_shares_hold_for_any_seed(tmp_path):
    targets = [Target("a", "127.0.0.1", 1, 90, "a"), Target("b", "127.0.0.1", 2, 10, "b")]
    for seed in range(5):
        write_targets(tmp_path, targets, seed)
        table = RouteTable(tmp_path)
        chosen = [table.choose().server for _ in range(5000)]
        again = RouteTable(tmp_path)
        assert chosen == [again.choose().server for _ in range(5000)]
        assert 400 < Counter(chosen)["b"] < 600  # 4.7 standard deviations


def test_a_title_in_another_script_is_a_valid_header():
    assert (
        Target("a", "h", 1, 100, "größe/数据@7").header == b"gr%C3%B6%C3%9Fe/%E6%95%B0%E6%8D%AE@7"
    )


@pytest.mark.slow
def test_many_at_once(gateway):
    async def ask():
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway["port"])
        for _ in range(5):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(3) == b"one"
        writer.close()

    async def all_of_them():
        await asyncio.gather(*(ask() for _ in range(40)))

    asyncio.run(all_of_them())
