"""An SMTP session that is bounded in time and size, and never sends a password in the clear."""

import smtplib
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any, NamedTuple

from stackfold.domain.errors import AlerterUnavailable, AlertRejected
from stackfold.infrastructure.flavors.alert_requests import problem_of

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
    with session(server) as smtp:
        return [*smtp.send_message(message, sender, to)]


@contextmanager
def session(server: Server) -> Iterator[smtplib.SMTP]:
    """Connect and log in; raises as `send`, also for what the block raises."""
    smtp: _Smtp | None = None
    try:
        smtp = _Smtp(server)
        smtp.open()
        yield smtp
        with suppress(smtplib.SMTPException, OSError, ValueError):
            smtp.quit()
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:
            raise AlerterUnavailable(server.location, f"it answers {error.smtp_code}") from None
        raise AlertRejected(server.location, "the user or the password is wrong") from None
    except smtplib.SMTPNotSupportedError:
        problem = f"it does not offer what {server.security} and the message need"
        raise AlertRejected(server.location, problem) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise _error(server, codes[0] if codes else 500, "refuses every recipient") from None
    except smtplib.SMTPResponseException as error:
        raise _error(server, error.smtp_code, "refuses the message") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        problem = "the connection was closed"
        if not isinstance(error, smtplib.SMTPServerDisconnected):
            problem = problem_of(error)
        raise AlerterUnavailable(server.location, problem) from None
    finally:
        if smtp is not None:
            smtp.close()


def _error(server: Server, code: int, what: str) -> Exception:
    if 400 <= code < 500 or code < 0:
        return AlerterUnavailable(server.location, f"it answers {code}")
    return AlertRejected(server.location, f"it answers {code}, and {what}")


class _Smtp(smtplib.SMTP):
    """A client whose session ends at a deadline, whatever the server sends."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._end = time.monotonic() + server.timeout
        super().__init__(timeout=server.timeout, local_hostname="localhost")

    def open(self) -> None:
        """Connect, encrypt and log in."""
        server = self._server
        self.connect(server.host, server.port)
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
