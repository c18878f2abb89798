"""A container registry as https://distribution.github.io/distribution/spec/api/ has them."""

import base64
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping

from stackfold.application.ports.image_builder import Credentials
from stackfold.domain.errors import RegistryForbidden, RegistryUnavailable
from stackfold.infrastructure.flavors.containers.image_names import host_of, path_and_tag

_SECONDS = 10.0
"""How long it may take to answer."""
_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_WRONG = "the credentials are wrong: correct the secrets behind username and password"


class RegistryApi:
    """Asks a registry whether it holds an image."""

    def __init__(
        self, uri: str, plain: bool, credentials: Callable[[], Credentials | None]
    ) -> None:
        """Ask the registry at an address.

        Args:
            uri: The address.
            plain: Whether it speaks plain HTTP.
            credentials: Read when the registry asks who is there, not before.
        """
        host = host_of(uri)
        self._host = host
        self._url = f"{'http' if plain else 'https'}://{_SERVERS.get(host, host)}"
        self._plain = plain
        self._credentials = credentials

    def digest(self, image: str) -> str | None:
        """The digest of an image that it holds; None if it does not tell."""
        name, tag = path_and_tag(image)
        answer = self._asked(f"{self._url}/v2/{name}/manifests/{tag}", "HEAD")
        return answer.headers.get("docker-content-digest") if answer.status == 200 else None

    def check(self) -> None:
        """Ask whether it is a registry, and takes the credentials if there are some.

        Raises:
            RegistryForbidden: It does not take them.
            RegistryUnavailable: It does not answer as a registry does.
        """
        answer = self._asked(f"{self._url}/v2/", "GET")
        # Without credentials it may still let one pull.
        if answer.status not in (200, 401):
            problem = f"it is no registry, as it answers with the status {answer.status}"
            raise RegistryUnavailable(self._host, f"{problem}: correct its uri")

    def _asked(self, url: str, method: str) -> "_Answer":
        """The answer to a question, with the credentials if the registry asks for them."""
        try:
            answer = self._answer(url, method, None)
            if answer.status == 401 and (who := self._credentials()) is not None:
                answer = self._answer(url, method, self._authorization(answer, who))
                if answer.status in (401, 403):
                    raise RegistryForbidden(self._host, _WRONG)
        except (OSError, ValueError) as error:
            raise RegistryUnavailable(self._host, _problem(error)) from error
        if answer.status == 429 or answer.status >= 500:
            raise RegistryUnavailable(self._host, f"it answers with the status {answer.status}")
        return answer

    def _answer(self, url: str, method: str, authorization: str | None) -> "_Answer":
        request = urllib.request.Request(url, method=method)  # noqa: S310  # http, https
        request.add_header("Accept", ", ".join(_KINDS))
        return _answer(request, authorization)

    def _authorization(self, challenge: "_Answer", who: Credentials) -> str:
        """What to say to a registry that asks who is there."""
        pair = base64.b64encode(f"{who.username}:{who.password}".encode()).decode()
        asked = challenge.headers.get("www-authenticate", "")
        if not asked.lower().startswith("bearer"):
            return f"Basic {pair}"
        said = dict(re.findall(r'(\w+)="([^"]*)"', asked))
        realm = said.pop("realm", "")
        if urllib.parse.urlsplit(realm).scheme not in {"https", "http" if self._plain else "https"}:
            raise ValueError("it wants the credentials sent where everybody could read them")
        query = urllib.parse.urlencode(said)
        request = urllib.request.Request(f"{realm}?{query}")  # noqa: S310  # checked above
        answer = _answer(request, f"Basic {pair}")
        if answer.status in (401, 403):
            raise RegistryForbidden(self._host, _WRONG)
        told = json.loads(answer.body)
        return f"Bearer {told.get('token') or told.get('access_token')}"


_SERVERS = {"docker.io": "registry-1.docker.io"}


class _Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body


def _answer(request: urllib.request.Request, authorization: str | None) -> _Answer:
    if authorization is not None:
        # Not to be carried to where the answer may lead.
        request.add_unredirected_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return _Answer(answer.status, dict(answer.headers), answer.read(2**20))
    except urllib.error.HTTPError as error:
        with error:
            return _Answer(error.code, dict(error.headers), b"")


def _problem(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(reason, ssl.SSLError):
        return "it speaks no TLS: if plain HTTP will do, give insecure"
    if isinstance(reason, TimeoutError):
        return "it did not answer in time"
    if isinstance(reason, ConnectionRefusedError):
        return "nothing answers there: start it, or correct its uri"
    return " ".join(str(reason).split()) or type(reason).__name__
