"""A TCP proxy that can cut the connection at a chosen message."""

import select
import socket
import threading
from contextlib import suppress


class CuttingProxy:
    """Forwards data, and cuts the connection when a client sends a certain text."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._text = b""
        self._pass_on = False
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_on(self, text: bytes, pass_on: bool) -> None:
        """Cut once when a client sends `text`, after forwarding it or instead."""
        self._text, self._pass_on = text, pass_on

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server, suppress(OSError):
            others = {client: server, server: client}
            while True:
                for one in select.select([*others], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    if one is client and self._is_cut(data):
                        if self._pass_on:
                            server.sendall(data)
                            server.recv(65536)  # so that it was done, though nobody is told
                        return
                    others[one].sendall(data)

    def _is_cut(self, data: bytes) -> bool:
        if not self._text or self._text not in data:
            return False
        self._text = b""
        self.cuts += 1
        return True
