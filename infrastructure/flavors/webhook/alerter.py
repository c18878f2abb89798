"""The alerter `webhook`."""

import json
import re
import time
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import Alert, Alerter, Answer, Secret
from stackfold.application.ports.alert import answer_of
from stackfold.application.ports.alerter import Poll
from stackfold.domain.errors import AlerterCannotAsk, AlerterUnavailable, AlertRejected, Invalid
from stackfold.domain.stacks.secret_references import is_reference
from stackfold.infrastructure.flavors.alert_requests import (
    MOST_BYTES,
    deliver,
    host_of,
    problem_of,
    require_url,
)
from stackfold.infrastructure.flavors.chat_messages import (
    discord_message,
    slack_message,
    stackfold_message,
    teams_message,
)
from stackfold.infrastructure.flavors.http_requests import Response, request
from stackfold.infrastructure.system.loopback import is_loopback
from stackfold.infrastructure.system.webhook_signatures import signed, verified

_FORMS = {
    "stackfold": stackfold_message,
    "slack": slack_message,
    "teams": teams_message,
    "discord": discord_message,
}
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_RESERVED = re.compile(
    r"(?i)webhook-|(host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect)$"
)
_OPEN = {202, 204, 404}
"""The status of answers to a question that nobody has answered."""


class WebhookAlerter(Alerter):
    """Posts alerts to a URL as JSON."""

    flavor = "webhook"

    class Configuration(ports.Configuration):
        """The URL, the form of the body, and what authenticates it."""

        url: str = Field(
            min_length=1,
            max_length=2000,
            description="Where alerts are posted: https://HOST/…, or a reference {{secret.key}} if "
            "it contains a token.",
        )
        format: Literal["stackfold", "slack", "teams", "discord"] = Field(
            "stackfold",
            description="The form of the body: every field, or what the incoming webhooks of "
            "Slack, Microsoft Teams (workflows) or Discord take.",
        )
        signing_key: Secret | None = Field(
            None,
            description="The key that signs requests as Standard Webhooks do, as a reference: "
            "whsec_ and base64, or another text of at least 16 bytes.",
        )
        headers: dict[str, Secret] = Field(
            {}, description='Headers and their values, as references: {"X-Token": "{{a.token}}"}.'
        )
        answers_url: str | None = Field(
            None,
            max_length=2000,
            description="Where `ask` looks for answers: asked as URL?id=ID every few seconds. "
            "Requires signing_key, by which the answer must be signed, too.",
        )
        insecure: bool = Field(False, description="Whether http is allowed to other machines.")
        timeout: float = Field(
            10, gt=0, le=300, description="Seconds that an alert may take, with all attempts."
        )
        strict: bool = Field(
            False,
            description="Whether a step fails if an alert cannot be sent. Otherwise there is one "
            "line in its log.",
        )

        @field_validator("headers")
        @classmethod
        def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
            for name in headers:
                if not _HEADER.fullmatch(name) or _RESERVED.match(name):
                    raise ValueError(f"{name!r:.80} cannot be set")
            return headers

        @model_validator(mode="after")
        def _fit_together(self) -> Self:
            for name, url in (("url", self.url), ("answers_url", self.answers_url)):
                try:
                    if url is not None and not is_reference(url):
                        require_url(url, self.insecure)
                except ValueError as error:
                    raise ValueError(f"{name} {error}") from None
            has_token = self.format != "stackfold" and not is_reference(self.url)
            # The log is forever. A stand-in on this machine needs no token.
            if has_token and not is_loopback(urlsplit(self.url).hostname or ""):
                raise ValueError(
                    f"url of {self.format} contains a token: store it as a secret and give "
                    "{{name.key}}"
                )
            if self.answers_url is not None and self.signing_key is None:
                raise ValueError("answers_url requires signing_key: answers must be signed")
            return self

    configuration: Configuration

    @property
    def strict(self) -> bool:  # type: ignore[override]
        """Whether `post` raises if an alert cannot be sent."""
        return self.configuration.strict

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the URL."""
        url = self.configuration.url
        return is_reference(url) or not is_loopback(urlsplit(url).hostname or "")

    def send(self, alert: Alert) -> None:
        form = _FORMS[self.configuration.format]
        self._post(alert.id, form(alert))

    def open_question(self, question: Alert) -> Poll:
        """Post the question with the id by which its answer is looked for."""
        if self.configuration.answers_url is None:
            raise AlerterCannotAsk(self.flavor, "set answers_url, where it looks for answers")
        form = _FORMS[self.configuration.format]
        marked = {"question": True} if self.configuration.format == "stackfold" else {}
        self._post(question.id, {**form(question), **marked})
        return lambda: self._answer(question.id)

    def check_connection(self) -> None:
        """Connect to the server; what it answers to OPTIONS is not judged, except 401 and 403."""
        url = self._url(self.configuration.url)
        try:
            response = request(
                "OPTIONS",
                url,
                timeout=self.configuration.timeout,
                headers=self._headers("check", b""),
                max_bytes=MOST_BYTES,
            )
        except (OSError, ValueError) as error:
            raise AlerterUnavailable(host_of(url), problem_of(error)) from None
        if response.status in {401, 403}:
            raise AlertRejected(host_of(url), f"it answers {response.status}")

    # -- private

    def _url(self, url: str) -> str:
        if not is_reference(url):
            return url
        try:
            return require_url(self.secret(url).strip(), self.configuration.insecure)
        except ValueError as error:
            raise AlertRejected(f"the secret {url}", f"the URL {error}") from None

    def _post(self, id: str, content: dict[str, Any]) -> None:
        url = self._url(self.configuration.url)
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

        def send(seconds: float) -> Response:
            headers = self._headers(id, body) | {"content-type": "application/json; charset=utf-8"}
            return request(
                "POST", url, timeout=seconds, headers=headers, content=body, max_bytes=MOST_BYTES
            )

        deliver(send, host_of(url), self.configuration.timeout)

    def _headers(self, id: str, body: bytes) -> dict[str, str]:
        headers = {"user-agent": "stackfold"}
        for name, reference in self.configuration.headers.items():
            value = self.secret(reference)
            if not value.isascii() or not value.isprintable():
                raise AlertRejected(f"the secret {reference}", f"it cannot be the header {name}")
            headers[name.lower()] = value
        if self.configuration.signing_key is not None:
            key = self.secret(self.configuration.signing_key)
            try:
                headers |= signed(id, int(time.time()), body, key)
            except Invalid as error:
                raise AlertRejected(self.configuration.signing_key, str(error)) from None
        return headers

    def _answer(self, id: str) -> Answer | None:
        """The signed answer to a question; None if there is none yet."""
        chosen = self.configuration
        assert chosen.answers_url is not None and chosen.signing_key is not None  # noqa: S101, PT018
        url = self._url(chosen.answers_url)
        address = f"{url}{'&' if '?' in url else '?'}id={id}"
        try:
            response = request(
                "GET",
                address,
                timeout=chosen.timeout,
                headers=self._headers(id, b""),
                max_bytes=MOST_BYTES,
            )
        except (OSError, ValueError) as error:
            raise AlerterUnavailable(host_of(url), problem_of(error)) from None
        if response.status in _OPEN:
            return None
        if response.status == 429 or response.status >= 500:
            raise AlerterUnavailable(host_of(url), f"it answers {response.status}")
        if response.status != 200:
            raise AlertRejected(
                host_of(url), f"its status is {response.status} when answers are read"
            )
        key = self.secret(chosen.signing_key)
        if not verified(id, time.time(), response.headers, response.body, key):
            raise AlertRejected(host_of(url), "the answer is not signed by the signing key")
        match _json(response.body):
            case {"id": str(of), "approved": bool(approved), **others} if of == id:
                return answer_of(approved, others.get("by", ""), others.get("text", ""))
        raise AlertRejected(host_of(url), "the answer is no JSON with id, approved, by and text")


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
