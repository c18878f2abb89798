"""Rejects requests that the pages are not meant for, and restricts what pages may do."""

import secrets
from collections.abc import Callable, Collection
from enum import Enum
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""The hosts by which a browser on this machine reaches a server on it."""

LONGEST_URL = 8192
"""The most characters of a path with its query."""

LARGEST_BODY = 65536
"""The most bytes of the body of a request; only forms of changes have one."""

CHANGES = "/changes/"
"""Where the paths of changes begin: nothing else may be sent to."""

SHORTEST_KEY = 16
"""The fewest characters of a key."""

_PUBLIC = ("/static/", "/vendor/")
"""Files of Stackfold itself, which the page of an error needs too."""

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not "no-referrer": with it, browsers send `Origin: null` with the forms of the page.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The headers of every response, unless the response sets them itself."""


class WithoutKey(Enum):
    """The type of `WITHOUT_KEY`."""

    WITHOUT_KEY = "without key"


WITHOUT_KEY: Final = WithoutKey.WITHOUT_KEY
"""No key is required: something in front of the application decides who may see the log."""


class Guard:
    """ASGI middleware that checks each request before the application sees it."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        key: str | WithoutKey,
        problem: Callable[[Scope, int, str], ASGIApp],
        changes: bool = False,
    ) -> None:
        """Create the middleware.

        Args:
            app: The application.
            hosts: The hosts of its addresses; one without a port is accepted with any port.
            key: The key that the first request must have in its query, as `key`.
            problem: Returns the response to a rejected request, from its status and a sentence.
            changes: Whether forms below `/changes/` may be sent, by the pages themselves.
        """
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._key = None if isinstance(key, WithoutKey) else key.encode()
        self._problem = problem
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", ())}
                message["headers"] = [*message.get("headers", ())] + [
                    (name.lower().encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.lower().encode() not in present
                ]
            await send(message)

        answer = self._rejection(scope) or self._login(scope) or self._app
        await answer(scope, receive, send_with_headers)

    def _rejection(self, scope: Scope) -> ASGIApp | None:
        """The response to a request that no page makes; None for all others."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if host not in self._hosts and _without_port(host) not in self._hosts:
            return self._problem(
                scope, 421, "this host is not served here: use the printed address"
            )
        sends = scope["method"] == "POST" and self._changes and path_of(scope).startswith(CHANGES)
        if scope["method"] not in {"GET", "HEAD"} and not sends:
            read_only = "this page changes nothing" if self._changes else "the pages are read-only"
            return self._problem(scope, 405, f"{read_only}: use the command line")
        if len(scope["path"]) + len(scope.get("query_string", b"")) > LONGEST_URL:
            return self._problem(scope, 414, "the address is too long: give fewer filters")
        if _size(headers.get("content-length", "0")) > LARGEST_BODY:
            return self._problem(scope, 413, "the request is too large: send less")
        if sends and not _by_a_form_of_ours(headers, scope["scheme"], host):
            return self._problem(
                scope, 403, "a page elsewhere sent this form: open the page of the change here"
            )
        if not _from_here(headers, scope["scheme"], host):
            return self._problem(
                scope, 403, "another site made this request: open the page directly"
            )
        return None

    def _login(self, scope: Scope) -> ASGIApp | None:
        """The response to a request with the key in its address, or without any; else None.

        Browsers have the key in a cookie, programs in the header `Authorization: Bearer KEY`.
        """
        if self._key is None or path_of(scope).startswith(_PUBLIC):
            return None
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._fits(given.strip()):
            return None
        cookie = _cookie_name(scope)
        if any(name == "key" and self._fits(value) for name, value in _query(scope)):
            response = RedirectResponse(address_of(scope), 303)
            response.set_cookie(
                cookie,
                quote(self._key),  # any character may be in a key
                path=scope.get("root_path", "") or "/",
                secure=scope["scheme"] == "https",
                httponly=True,
                samesite="strict",
            )
            return response
        if any(self._fits(unquote(value)) for value in _cookies(scope, cookie)):
            return None
        return self._problem(
            scope, 401, "the key is missing: open the address that `stackfold ui` printed"
        )

    def _fits(self, given: str) -> bool:
        return self._key is not None and secrets.compare_digest(given.encode(), self._key)


def path_of(scope: Scope) -> str:
    """The path of a request below the prefix that the application is mounted under."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", ""))) or "/"


def address_of(scope: Scope) -> str:
    """The address of a request below the host, without the key."""
    rest = urlencode([(name, value) for name, value in _query(scope) if name != "key"])
    # Only one slash: "//host" would be an address elsewhere.
    path = "/" + quote(str(scope["path"]).lstrip("/"))
    return f"{path}?{rest}" if rest else path


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host


def _size(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else LARGEST_BODY + 1


def _by_a_form_of_ours(headers: Headers, scheme: str, host: str) -> bool:
    """Whether a page of this application sent a form, as browsers say it."""
    # Browsers do not send Sec-Fetch-Site over plain connections to other machines.
    plain = scheme == "http" and _without_port(host) not in LOOPBACK
    site = headers.get("sec-fetch-site", "same-origin" if plain else "")
    own = headers.get("origin", "").lower() == f"{scheme}://{host}"
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return own and site == "same-origin" and media_type == "application/x-www-form-urlencoded"


def _from_here(headers: Headers, scheme: str, host: str) -> bool:
    """Whether the page itself, the user, or a link that the user followed made a request."""
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scheme}://{host}":
        return False
    if headers.get("sec-fetch-site", "none") in {"same-origin", "none"}:
        return True
    return (
        headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def _cookie_name(scope: Scope) -> str:
    """A name with the port, since all ports of a host share their cookies."""
    server = scope.get("server") or ("", None)
    return f"stackfold_key_{server[1] or 0}"


def _cookies(scope: Scope, name: str) -> list[str]:
    """The values of all cookies of a name; their quoting does not matter for keys."""
    pairs: list[Any] = [
        each.strip().partition("=")
        for header in Headers(scope=scope).getlist("cookie")
        for each in header.split(";")
    ]
    return [value.strip('"') for found, _, value in pairs if found == name]
