"""An SMTP server that answers as a test tells it to; aiosmtpd is the one that behaves."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class FaultySmtp:
    """Answers each command by `replies`, by its first word in capitals, else properly."""

    def __init__(self) -> None:
        self.port = 0
        self.replies: dict[str, bytes | str] = {}
        """Command, or "CONNECT" or ".": a reply, or: "hangs", "closes", "trickles", "is huge"."""
        self.commands: list[str] = []
        """What clients sent."""
        self.messages: list[bytes] = []
        self.tls: ssl.SSLContext | None = None
        self.ended = threading.Event()

    def serve(self, connection: socket.socket) -> None:
        """Answer one client."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            self._serve(closing.enter_context(connection), closing)

    def _serve(self, connection: socket.socket, closing: contextlib.ExitStack) -> None:
        if not self._answer(connection, "CONNECT", b"220 ready\r\n"):
            return
        file = closing.enter_context(connection.makefile("rb"))
        while line := file.readline(10_000):
            command = line.decode("latin-1").strip()
            self.commands.append(command)
            word = command.partition(" ")[0].upper()
            if not self._answer(connection, word, self._proper(word)):
                return
            if word == "QUIT":
                return
            if word == "STARTTLS" and self.tls is not None:
                wrapped = self.tls.wrap_socket(connection, server_side=True)
                connection = closing.enter_context(wrapped)
                file = closing.enter_context(connection.makefile("rb"))
            if word == "DATA" and "DATA" not in self.replies:
                lines = iter(file.readline, b".\r\n")
                self.messages.append(b"".join(lines))
                if not self._answer(connection, ".", b"250 queued\r\n"):
                    return

    def _proper(self, word: str) -> bytes:
        match word:
            case "EHLO":
                offers = b"250-STARTTLS\r\n" if self.tls else b""
                return b"250-localhost\r\n" + offers + b"250 AUTH PLAIN\r\n"
            case "AUTH":
                return b"235 welcome\r\n"
            case "DATA":
                return b"354 go on\r\n"
            case "QUIT":
                return b"221 bye\r\n"
            case "STARTTLS":
                return b"220 go on\r\n"
        return b"250 ok\r\n"

    def _answer(self, connection: socket.socket, word: str, proper: bytes) -> bool:
        match self.replies.get(word, proper):
            case bytes(reply):
                connection.sendall(reply)
            case "hangs":
                self.ended.wait(60)
                return False
            case "closes":
                return False
            case "trickles":
                while not self.ended.is_set():
                    connection.sendall(b"2")
                    time.sleep(0.05)
            case "is huge":
                while not self.ended.is_set():
                    connection.sendall(b"250-" + b"x" * 500 + b"\r\n")
        return True


@contextmanager
def faulty_smtp(tls: ssl.SSLContext | None = None) -> Iterator[FaultySmtp]:
    """Serve on this machine, during the block."""
    server = FaultySmtp()
    server.tls = tls
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
