"""Stands between a client and a server on this machine, and makes trouble when told to."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

_SAID = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
SLOW_DOWN = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_SAID), _SAID)
)


class FaultyProxy:
    """Forwards connections; use it in a `with` block."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self.slow_downs = 0
        """So many requests to come are told to slow down."""
        self.cuts = 0
        """So many connections to come are cut,"""
        self.cut_after = 0
        """once this many bytes have gone to the server."""
        self.resets = 0
        """So many requests to come are reset,"""
        self.reset_on = b""
        """of those that begin with this,"""
        self.reset_when = "asked"
        """before the server gets them ("asked"), or when it has answered ("answered")."""
        self.sent = 0
        """Bytes that have gone to the server,"""
        self.notify_at = 0
        """and after how many of them"""
        self.notify: Callable[[], object] | None = None
        """this is called, once, before any more are."""
        self._counting = threading.Lock()
        self.met = 0
        """How many connections had trouble."""
        self._listening = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listening.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        if self.slow_downs:
            self.slow_downs -= 1
            self.met += 1
            with client:
                client.recv(2**16)
                client.sendall(SLOW_DOWN)
                client.shutdown(socket.SHUT_WR)
                while client.recv(2**16):  # or what was not read would cut the connection
                    pass
            return
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        if self.resets:
            self._serve_until_reset(client, server)
            return
        threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
        self._pump(client, server, limited=True)

    def _serve_until_reset(self, client, server):
        """Serve a connection by turns; reset it at a request that is to be reset."""
        with server, suppress(OSError):
            while data := client.recv(2**16):
                struck = self.resets and data.startswith(self.reset_on)
                if struck:
                    self.resets -= 1
                    self.met += 1
                if not (struck and self.reset_when == "asked"):
                    self._exchange(data, client, server, told=not struck)
                if struck:
                    break
        # A connection that lingers for no time is reset, not ended.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def _exchange(self, data, client, server, told):
        """Hand over a request, of which `data` is the beginning, and its answer if it is told."""
        head, _, body = data.partition(b"\r\n\r\n")
        left = _length(head) - len(body)
        server.sendall(data)
        while left > 0 and (data := client.recv(2**16)):
            server.sendall(data)
            left -= len(data)
        answer = server.recv(2**16)
        start, _, body = answer.partition(b"\r\n\r\n")
        left = 0 if head.startswith(b"HEAD") else _length(start) - len(body)
        while left > 0 and (more := server.recv(2**16)):
            answer += more
            left -= len(more)
        if told:
            client.sendall(answer)

    def _pump(self, source, sink, limited=False):
        passed = 0
        with suppress(OSError):
            while data := source.recv(2**16):
                passed += len(data)
                if limited and self.cuts and passed > self.cut_after:
                    self.cuts -= 1
                    self.met += 1
                    break
                if limited:
                    self._count(len(data))
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _count(self, size):
        with self._counting:
            self.sent += size
            if self.notify and self.sent > self.notify_at:
                notify, self.notify = self.notify, None
                notify()


def _length(head):
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
