"""Label Studio's HTTP API: requests, tokens, and lists in pages."""

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from stackfold.application.secrets.redaction import redacted
from stackfold.domain.errors import AnnotatorRejected, AnnotatorUnavailable
from stackfold.infrastructure.flavors.http_requests import Response, request

_LARGEST = 64 * 2**20
"""Bytes of the largest response."""
_PAGE = 100
_EARLY = 30.0
"""Seconds before its end at which an access token is no longer used."""
_SHORTEST = 60.0
"""Seconds that an access token is used if it does not say when it ends."""


class Missing(Exception):
    """The server has no such object."""


class Api:
    """The API of one server, as one user."""

    def __init__(self, url: str, token: Callable[[], str], timeout: float) -> None:
        """Create the client; connects to nothing.

        Args:
            url: The address of the server, without a slash at its end.
            token: Returns the personal access token, or a legacy token.
            timeout: Seconds until a response must be complete.
        """
        self._url = url
        self._token = token
        self._timeout = timeout
        self._access = ("", 0.0)

    def get(self, path: str, **query: Any) -> Any:
        """Return an object; raises like `call`."""
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def call(self, method: str, path: str, content: Any = None) -> Any:
        """Send a request, and return the JSON value of the response; None if it has no content.

        Args:
            method: Such as "GET".
            path: The path and query.
            content: A JSON value to send; None for none.

        Raises:
            Missing: There is no such object.
            AnnotatorRejected: The server rejects what was sent.
            AnnotatorUnavailable: It cannot be reached, rejects the token, or is another server.
        """
        response = self._sent(method, path, content, self._authorization())
        if response.status == 401 and self._access[0]:  # it ended early, or was revoked
            self._access = ("", 0.0)
            response = self._sent(method, path, content, self._authorization())
        if response.status == 404:
            self._detail(response)  # of another server, it is an error
            raise Missing()
        return self._value(response)

    def pages(self, path: str, name: str, most: int, **query: Any) -> Iterator[Any]:
        """Return the objects of a list, in the order of the server.

        Args:
            path: The path of the list.
            name: The field of the response that contains them.
            most: The largest number of objects to accept.
            **query: What is asked for.

        Raises:
            AnnotatorUnavailable: As `call`; or there are more objects.
        """
        read = 0
        while True:
            page = read // _PAGE + 1
            try:
                answer = self.get(path, **query, page=page, page_size=_PAGE)
            except Missing:
                return  # after the last page
            found = answer.get(name) if isinstance(answer, dict) else None
            if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
                raise self._other()
            read += len(found)
            if read > most:
                raise AnnotatorUnavailable(
                    self._url, f"it has more than {most:,} of them: raise most_items"
                )
            yield from found
            if len(found) < _PAGE:
                return

    # -- private

    def _authorization(self) -> str:
        token = self._token().strip()
        if not token.isascii() or len(token.split()) != 1:
            raise AnnotatorUnavailable(self._url, "its token is no token: correct the secret")
        if token.count(".") != 2:
            return f"Token {token}"  # of an older version, or one that allows legacy tokens
        access, end = self._access
        if time.time() > end - _EARLY:
            response = self._sent("POST", "/api/token/refresh/", {"refresh": token}, "")
            answer = self._value(response)
            found = answer.get("access") if isinstance(answer, dict) else None
            if not isinstance(found, str) or not found.isascii() or len(found) > 10_000:
                raise self._other()
            access = found
            self._access = (access, _end_of(access))
        return f"Bearer {access}"

    def _sent(self, method: str, path: str, content: Any, authorization: str) -> Response:
        headers = {"Accept": "application/json"}
        if authorization:
            headers["Authorization"] = authorization
        body = None
        if content is not None:
            body = json.dumps(content, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        try:
            return request(
                method,
                f"{self._url}{path}",
                timeout=self._timeout,
                headers=headers,
                content=body,
                max_bytes=_LARGEST,
            )
        except TimeoutError:
            problem = f"it did not answer within {self._timeout:g} s: try again, or raise timeout"
        except ConnectionRefusedError:
            problem = "nothing answers: start it, or correct url"
        except ssl.SSLError as error:
            problem = f"TLS failed: {error.reason or error}"
        except (OSError, ValueError) as error:
            problem = _line(str(error)) or "the connection was lost"
        raise AnnotatorUnavailable(self._url, problem)

    def _value(self, response: Response) -> Any:
        if 300 <= response.status < 400:
            location = _line(str(response.headers.get("location", "")))
            raise AnnotatorUnavailable(
                self._url, f"it redirects to {location or 'another address'}: correct url"
            )
        if response.status in {401, 403}:
            raise AnnotatorUnavailable(
                self._url, f"it rejects the token: {self._detail(response)}: correct token"
            )
        if response.status >= 500:
            raise AnnotatorUnavailable(self._url, f"it failed with status {response.status}")
        if response.status >= 400:
            raise AnnotatorRejected(self._url, self._detail(response))
        if not response.body:
            return None
        try:
            return json.loads(response.body)
        except (ValueError, RecursionError):
            raise self._other() from None

    def _detail(self, response: Response) -> str:
        """What the server says is wrong, in one line without secrets."""
        try:
            answer = json.loads(response.body)
            problems = answer.get("validation_errors") or answer["detail"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._other() from None
        if isinstance(problems, Mapping):
            found = [
                f"{name}: {each}" if name != "non_field_errors" else str(each)
                for name, texts in problems.items()
                for each in (texts if isinstance(texts, list) else [texts])
            ]
            problems = "; ".join(found)
        return _line(str(problems)).rstrip(".")

    def _other(self) -> AnnotatorUnavailable:
        return AnnotatorUnavailable(self._url, "its answer is not one of Label Studio: correct url")


def _line(text: str) -> str:
    return f"{redacted(' '.join(text.split())):.300}"


def _end_of(token: str) -> float:
    """When an access token ends, in seconds since 1970, as it says itself."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return time.time() + _SHORTEST
