"""Requests are bounded in time and size, and fail with the errors of the standard library."""

import socket
import ssl
import threading
import time

import pytest

from stackfold.infrastructure.flavors.http_requests import request

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def serve():
    """Starts a server that sends some bytes to each client, and then more, byte by byte."""
    listeners, clients = [], []

    def serve(response, slowly=b""):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        received = []

        def answer(client):
            received.append(client.recv(65536))
            client.sendall(response)
            for byte in slowly:
                time.sleep(0.05)
                client.sendall(bytes([byte]))
            if not slowly:
                client.close()

        def accept():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                clients.append(client)
                try:
                    answer(client)
                except OSError:
                    client.close()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}", received

    yield serve
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for client in clients:
        client.close()


def test_a_response_is_returned_with_its_status_and_headers(serve):
    url, _ = serve(b"HTTP/1.1 404 Not Found\r\nX-Kind: one\r\nContent-Length: 3\r\n\r\nabc")
    status, headers, body = request("GET", url, timeout=30)
    assert (status, headers["x-kind"], body) == (404, "one", b"abc")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"HTTP/1.1 20",
        OK,
        OK + b"Content-Length: 3\r\n\r\nab",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"another protocol\r\n\r\n",
    ],
    ids=["nothing", "status", "headers", "body", "chunk", "other"],
)
def test_a_truncated_response_is_a_lost_connection(serve, response):
    url, _ = serve(response)
    with pytest.raises(ConnectionError):
        request("GET", url, timeout=30)


def test_nothing_that_listens_is_a_refused_connection():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            request("GET", f"http://127.0.0.1:{bound.getsockname()[1]}", timeout=30)


def test_a_silent_server_is_waited_for_until_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        request("GET", f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)


def test_a_body_that_arrives_slowly_counts_as_a_whole(serve):
    url, _ = serve(OK + b"Content-Length: 1000\r\n\r\n", slowly=bytes(1000))
    with pytest.raises(TimeoutError):
        request("GET", url, timeout=0.3)


def test_a_body_that_is_too_large_is_not_read(serve):
    url, _ = serve(OK + b"Content-Length: 1000000000\r\n\r\n" + bytes(100_000))
    with pytest.raises(ValueError, match="larger than 1000 bytes"):
        request("GET", url, timeout=30, max_bytes=1000)


def test_redirects_are_followed_only_where_they_are_allowed(serve):
    target, _ = serve(OK + b"Content-Length: 2\r\n\r\nok")
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {target}/\r\nContent-Length: 0\r\n\r\n".encode()
    url, _ = serve(moved)
    assert request("GET", url, timeout=30).status == 307
    assert request("GET", url, timeout=30, follow_redirects=True).body == b"ok"


def test_credentials_are_not_sent_to_the_target_of_a_redirect(serve):
    target, received = serve(OK + b"Content-Length: 0\r\n\r\n")
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {target}/\r\nContent-Length: 0\r\n\r\n".encode()
    url, first = serve(moved)
    headers = {"Authorization": "Basic planted"}
    request("GET", url, timeout=30, headers=headers, follow_redirects=True)
    assert b"planted" in first[0]
    assert received
    assert b"planted" not in received[0]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_requests_to_this_machine_use_no_proxy(serve, monkeypatch, name):
    proxy, asked = serve(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
    url, _ = serve(OK + b"Content-Length: 0\r\n\r\n")
    monkeypatch.setenv(name, proxy)
    assert request("GET", url, timeout=30).status == 200
    assert asked == []


def test_requests_to_other_machines_use_the_proxy(serve, monkeypatch):
    proxy, asked = serve(OK + b"Content-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    assert request("GET", "http://registry.example.com/v2/", timeout=30).status == 200
    assert asked[0].startswith(b"GET http://registry.example.com/v2/ ")


def test_a_proxy_of_an_unsupported_kind_is_a_failed_connection(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(ConnectionError, match="proxy"):
        request("GET", "http://registry.example.com/", timeout=30)


def test_a_server_without_tls_is_an_ssl_error(serve):
    url, _ = serve(b"no TLS here\r\n")
    with pytest.raises(ssl.SSLError):
        request("GET", url.replace("http:", "https:"), timeout=30)
