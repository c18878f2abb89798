"""The HTTP API of container registries.

Its specification: https://distribution.github.io/distribution/spec/api/
"""

import base64
import json
import re
import ssl
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from stackfold.application.ports.image_builder import Credentials
from stackfold.domain.errors import RegistryForbidden, RegistryUnavailable
from stackfold.infrastructure.flavors.containers.image_names import host_of, path_and_tag
from stackfold.infrastructure.flavors.http_requests import Response, request

_TIMEOUT = 10.0
"""Seconds to wait for a response."""
_MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_WRONG_CREDENTIALS = "the credentials are wrong: correct the secrets behind username and password"
_API_HOSTS = {"docker.io": "registry-1.docker.io"}


class RegistryApi:
    """A client of one registry."""

    def __init__(
        self, uri: str, plain_http: bool, credentials: Callable[[], Credentials | None]
    ) -> None:
        """Create a client; nothing is sent yet.

        Args:
            uri: The registry's address.
            plain_http: Whether to use http instead of https.
            credentials: Called only when the registry requires authentication.
        """
        self._host = host_of(uri)
        scheme = "http" if plain_http else "https"
        self._url = f"{scheme}://{_API_HOSTS.get(self._host, self._host)}"
        self._plain_http = plain_http
        self._credentials = credentials

    def digest(self, image: str) -> str | None:
        """Return the digest of an image in the registry; None if it is unknown."""
        name, tag = path_and_tag(image)
        response = self._authenticated("HEAD", f"{self._url}/v2/{name}/manifests/{tag}")
        return response.headers.get("docker-content-digest") if response.status == 200 else None

    def check(self) -> None:
        """Check that the address is a registry's, and the credentials if there are some.

        Raises:
            RegistryForbidden: The credentials are rejected.
            RegistryUnavailable: It does not respond as a registry does.
        """
        response = self._authenticated("GET", f"{self._url}/v2/")
        # Without credentials, pulling may still be allowed.
        if response.status not in (200, 401):
            problem = f"it is no registry, as it answers with the status {response.status}"
            raise RegistryUnavailable(self._host, f"{problem}: correct its uri")

    def _authenticated(self, method: str, url: str) -> Response:
        """The response to a request, repeated with credentials if the registry requires them."""
        try:
            response = self._request(method, url)
            if response.status == 401 and (credentials := self._credentials()) is not None:
                authorization = self._authorization(response, credentials)
                response = self._request(method, url, authorization)
                if response.status in (401, 403):
                    raise RegistryForbidden(self._host, _WRONG_CREDENTIALS)
        except (OSError, ValueError) as error:
            raise RegistryUnavailable(self._host, _reason(error)) from error
        if response.status == 429 or response.status >= 500:
            raise RegistryUnavailable(self._host, f"it answers with the status {response.status}")
        return response

    def _request(self, method: str, url: str, authorization: str | None = None) -> Response:
        headers = {"Accept": ", ".join(_MANIFEST_TYPES)}
        if authorization is not None:
            headers["Authorization"] = authorization
        return request(method, url, timeout=_TIMEOUT, headers=headers, follow_redirects=True)

    def _authorization(self, challenge: Response, credentials: Credentials) -> str:
        """The header that answers a registry's challenge: Basic, or Bearer with a token."""
        pair = f"{credentials.username}:{credentials.password}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        header = challenge.headers.get("www-authenticate", "")
        if not header.lower().startswith("bearer"):
            return basic
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', header))
        realm = parameters.pop("realm", "")
        if urlsplit(realm).scheme not in {"https", "http" if self._plain_http else "https"}:
            raise ValueError("it wants the credentials sent where everybody could read them")
        response = self._request("GET", f"{realm}?{urlencode(parameters)}", basic)
        if response.status in (401, 403):
            raise RegistryForbidden(self._host, _WRONG_CREDENTIALS)
        token = json.loads(response.body)
        return f"Bearer {token.get('token') or token.get('access_token')}"


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted"
        case ssl.SSLError():
            return "it speaks no TLS: if plain HTTP will do, give insecure"
        case TimeoutError():
            return "it did not answer in time"
        case ConnectionRefusedError():
            return "nothing answers there: start it, or correct its uri"
    return " ".join(str(error).split()) or type(error).__name__
