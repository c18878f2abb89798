"""An SMTP session that is bounded in time and size, and never sends a password in the clear."""

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from typing import Any, NamedTuple, TypeVar

from stackfold.domain.errors import AlerterUnavailable, AlertRejected, StackfoldError
from stackfold.infrastructure.flavors.alert_requests import problem_of

T = TypeVar("T")

_MOST_BYTES = 64 * 1024
"""The largest reply to one command."""


class Server(NamedTuple):
    """An SMTP server, and how to log in."""

    host: str
    port: int
    security: str
    """"starttls", "tls" or "none"."""
    credentials: tuple[str, str] | None
    """User and password; None to log in not at all."""
    timeout: float
    """Seconds that a session may take."""

    @property
    def location(self) -> str:
        """Its host and port."""
        return f"{self.host}:{self.port}"


def send(server: Server, message: EmailMessage, sender: str, to: Sequence[str]) -> Sequence[str]:
    """Send a message, and return the recipients that the server refused.

    Args:
        server: The server.
        message: The message.
        sender: The address of the sender.
        to: The addresses of the recipients.

    Raises:
        AlerterUnavailable: The server cannot be reached, or does not take it now.
        AlertRejected: The server rejects the credentials, the sender or the message.
    """
    return [*_in_session(server, lambda smtp: smtp.send_message(message, sender, to))]


def check(server: Server) -> None:
    """Log in, and send nothing; raises as `send`."""
    _in_session(server, lambda smtp: smtp.noop())


def _in_session(server: Server, work: Callable[[smtplib.SMTP], T]) -> T:
    smtp = _Smtp(server)
    try:
        smtp.open()
        result = work(smtp)
        with suppress(smtplib.SMTPException, OSError, ValueError):
            smtp.quit()
        return result
    except (smtplib.SMTPException, OSError, ValueError) as error:
        problem = _error(server, error)
    finally:
        smtp.close()
    raise problem  # without the error of smtplib, which has the server's text


def _error(server: Server, error: Exception) -> StackfoldError:
    match error:
        case smtplib.SMTPAuthenticationError() if error.smtp_code >= 500:
            return AlertRejected(server.location, "the user or the password is wrong")
        case smtplib.SMTPNotSupportedError():
            what = f"it does not offer what security {server.security} and the message need"
            return AlertRejected(server.location, what)
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({code for code, _ in error.recipients.values()})
            return _refused(server, codes[0] if codes else 500, "every recipient")
        case smtplib.SMTPResponseException():
            return _refused(server, error.smtp_code, "the message")
        case smtplib.SMTPServerDisconnected():
            in_time = not isinstance(error.__context__, TimeoutError)
            what = "the connection was closed" if in_time else "it did not answer in time"
            return AlerterUnavailable(server.location, what)
    return AlerterUnavailable(server.location, problem_of(error))


def _refused(server: Server, code: int, what: str) -> StackfoldError:
    if code < 0:
        return AlerterUnavailable(server.location, "it does not answer as an SMTP server")
    if code < 500:
        return AlerterUnavailable(server.location, f"it answers {code}")
    return AlertRejected(server.location, f"it answers {code}, and refuses {what}")


class _Smtp(smtplib.SMTP):
    """A client whose session ends at a deadline, whatever the server sends."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._end = time.monotonic() + server.timeout
        super().__init__(timeout=server.timeout, local_hostname="localhost")

    def open(self) -> None:
        """Connect, encrypt and log in."""
        server = self._server
        code, text = self.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        if server.security == "starttls":
            self.starttls(context=ssl.create_default_context())
        if server.credentials is not None:
            self.login(*server.credentials)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock, self._end)
        if self.file is not None:
            self.file.left = _MOST_BYTES
        return super().getreply()

    def send(self, s: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(_left(self._end))
        super().send(s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), _left(self._end))
        self._host = host  # by which starttls verifies the certificate
        if self._server.security != "tls":
            return sock
        try:
            sock.settimeout(_left(self._end))
            return ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise


class _Replies:
    """The lines that a server sends, up to a deadline and a size."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._sock = sock
        self._end = end
        self._buffer = b""
        self.left = _MOST_BYTES

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._buffer and len(self._buffer) < limit:
            self._sock.settimeout(_left(self._end))
            data = self._sock.recv(4096)
            if not data:
                break
            self._buffer += data
        size = min(self._buffer.find(b"\n") + 1 or len(self._buffer), limit)
        line, self._buffer = self._buffer[:size], self._buffer[size:]
        self.left -= len(line)
        if self.left < 0:
            raise ValueError(f"its reply is larger than {_MOST_BYTES} bytes")
        return line

    def close(self) -> None:
        """Nothing to close: the socket is the client's."""


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("it did not answer in time")
    return left
