"""Requests of alerters: repeated within a bounded time, as long as the server asks for it."""

import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from stackfold.domain.errors import AlerterUnavailable, AlertRejected
from stackfold.infrastructure.flavors.http_requests import Response
from stackfold.infrastructure.system.loopback import is_loopback

MOST_BYTES = 256 * 1024
"""The largest answer that is read."""
_ATTEMPTS = 4
_FIRST_PAUSE = 0.5
"""Seconds; each further pause is twice as long."""


def deliver(send: Callable[[float], Response], location: str, timeout: float) -> Response:
    """Send a request until it is accepted, and return the response.

    It is repeated up to 3 times after 429, 5xx and lost connections, after the pause that
    `Retry-After` asks for, if the time allows it.

    Args:
        send: Sends the request once; takes the seconds that are left.
        location: Where it is sent, for errors: no secret.
        timeout: Seconds for all attempts together.

    Raises:
        AlerterUnavailable: The server cannot be reached in time, or limits the rate.
        AlertRejected: The server rejects the request.
    """
    end = time.monotonic() + timeout
    attempt = 0
    while True:
        attempt += 1
        response, problem, wanted = _attempted(send, end - time.monotonic())
        if response is not None and response.status < 300:
            return response
        if response is not None and not _is_temporary(response.status):
            redirect = ", a redirect, which is not followed" if response.status < 400 else ""
            raise AlertRejected(location, f"it answers {response.status}{redirect}")
        pause = _FIRST_PAUSE * 2 ** (attempt - 1) if wanted is None else wanted
        if attempt == _ATTEMPTS or time.monotonic() + pause >= end:
            raise AlerterUnavailable(location, problem, wanted)
        time.sleep(pause)


def require_url(url: str, insecure: bool) -> str:
    """Return a URL that alerts may be sent to.

    Args:
        url: The URL.
        insecure: Whether http is allowed to other machines.

    Raises:
        ValueError: It is not valid; the message does not repeat it, as it may contain a secret.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        parts, valid = urlsplit(""), False
    if not valid or any(not each.isprintable() or each == " " for each in url):
        raise ValueError("must be https://HOST/…, or a reference {{name.key}} to it")
    if "@" in parts.netloc:
        raise ValueError("may contain no user or password: use a header or the signing key")
    if parts.scheme == "http" and not (insecure or is_loopback(parts.hostname or "")):
        raise ValueError("must be https, except on this machine: or allow http by insecure=true")
    return url


def host_of(url: str) -> str:
    """The host and port of a URL, which contain no secret."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{host}:{parts.port}" if parts.port else host


def _attempted(
    send: Callable[[float], Response], seconds: float
) -> tuple[Response | None, str, float | None]:
    """The response to one attempt, what is wrong with it, and the pause that it asks for."""
    try:
        response = send(max(seconds, 0.01))
    except (OSError, ValueError) as error:
        return None, problem_of(error), None
    return response, f"it answers {response.status}", _retry_after(response)


def _is_temporary(status: int) -> bool:
    return status in {408, 425, 429} or status >= 500


def _retry_after(response: Response) -> float | None:
    """The pause that a response asks for, in seconds: at most a day."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal() and len(text) < 10:
        return min(float(text), 86400.0)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), 86400.0)


def problem_of(error: Exception) -> str:
    """What is wrong with a connection, in one line."""
    match error:
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted"
        case ssl.SSLError():
            return "TLS failed"
        case TimeoutError():
            return "it did not answer in time"
        case ConnectionRefusedError():
            return "nothing answers there"
    return " ".join(str(error).split())[:200] or type(error).__name__
