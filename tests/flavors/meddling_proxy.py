"""Stands between a client and a server on this machine, and makes trouble when told to."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

_SAID = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
SLOW_DOWN = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_SAID), _SAID)
)


class MeddlingProxy:
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
        server = socket.create_connection(self._target)
        threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
        self._pump(client, server, limited=True)

    def _pump(self, source, sink, limited=False):
        passed = 0
        with suppress(OSError):
            while data := source.recv(2**16):
                passed += len(data)
                if limited and self.cuts and passed > self.cut_after:
                    self.cuts -= 1
                    self.met += 1
                    break
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
