"""A real HTTP server that receives webhooks, and answers as a test tells it to."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple


class Received(NamedTuple):
    """A request."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    method: str = "POST"


class Reply(NamedTuple):
    """An answer with headers or a body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})


Answer = int | str | Reply
"""A status code, a reply, or: "hangs", "closes", "trickles", "is huge", "redirects"."""


class Receiver:
    """Notes what it receives, and answers with the next of `answers`, or by `respond`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.answers: list[Answer] = []
        self.respond: Callable[[Received], Answer] = lambda request: 204
        self.ended = threading.Event()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.path, headers, body, self.command)
            receiver.received.append(request)
            answer = receiver.answers.pop(0) if receiver.answers else receiver.respond(request)
            match answer:
                case int():
                    self._reply(Reply(answer))
                case Reply():
                    self._reply(answer)
                case "hangs":
                    receiver.ended.wait(60)
                case "closes":
                    self.connection.close()
                case "redirects":
                    self.send_response(307)
                    self.send_header("location", f"{receiver.url}elsewhere")
                    self.end_headers()
                case "trickles" | "is huge":
                    self._stream(slowly=answer == "trickles")

        do_GET = do_OPTIONS = do_POST  # names of the standard library

        def _reply(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def _stream(self, slowly: bool) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(10_000):
                    self.wfile.write(b"x" if slowly else b"x" * 1000)
                    if slowly and receiver.ended.is_set():
                        return
                    time.sleep(0.05 if slowly else 0)
            except OSError:  # the client has gone
                return

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def webhook_receiver(port: int = 0) -> Iterator[Receiver]:
    """Serve on this machine, during the block."""
    receiver = Receiver("")
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(receiver))
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        server.server_close()
