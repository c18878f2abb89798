"""HTTP requests: bounded in time and size, with the errors of the standard library.

Requests to this machine use no proxy. Redirects are followed where they are allowed; credentials
are sent only to the origin that was asked.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from stackfold.infrastructure.system.loopback import is_loopback

if TYPE_CHECKING:
    import httpx

MEBIBYTE = 2**20


class Response(NamedTuple):
    """A complete response."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes


def request(
    method: str,
    url: str,
    *,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    follow_redirects: bool = False,
    max_bytes: int = MEBIBYTE,
) -> Response:
    """Send a request and read its response.

    Args:
        method: Such as "GET".
        url: An http or https URL.
        timeout: Seconds until the response must be complete.
        headers: Headers of the request.
        content: Its body.
        follow_redirects: Whether to follow redirects; otherwise they are returned.
        max_bytes: The largest body to accept.

    Raises:
        TimeoutError: The response was not complete in time.
        ConnectionRefusedError: Nothing listens at the address.
        ssl.SSLError: TLS failed, or the certificate is not trusted.
        OSError: The connection was lost before the response was complete, or is not possible.
        ValueError: The URL is invalid, or the body is too large.
    """
    import httpx

    deadline = time.monotonic() + timeout
    try:
        with (
            _client(url, timeout, follow_redirects) as client,
            client.stream(method, url, headers=headers, content=content) as response,
        ):
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    raise ValueError(f"the response is larger than {max_bytes} bytes")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the response was not complete in time")
            return Response(response.status_code, response.headers, bytes(body))
    except httpx.HTTPError as error:
        problem = _os_error(error)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    raise problem


def _client(url: str, timeout: float, follow_redirects: bool) -> "httpx.Client":
    import ssl

    import httpx

    if follow_redirects or url.startswith("https:"):
        context = ssl.create_default_context()  # the system's certificates, not those of certifi
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused, and quickly created
    try:
        return httpx.Client(
            verify=context,
            timeout=timeout,
            follow_redirects=follow_redirects,
            trust_env=not is_loopback(urlsplit(url).hostname or ""),  # the proxy variables
        )
    except (ImportError, ValueError) as error:  # a proxy of an unsupported kind
        raise ConnectionError(str(error)) from None


def _os_error(error: "httpx.HTTPError") -> OSError:
    """The system's error behind one of httpx; ConnectionError if there is none."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return TimeoutError(str(error) or "timed out")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return ConnectionError(str(error) or type(error).__name__)
