"""The built-in reaction that sends events to a URL: CloudEvents, signed by Standard Webhooks.

The request is a CloudEvent 1.0 in JSON (structured mode). Its signature has the headers and the
scheme of Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`, which is
"v1," and the HMAC-SHA256 of "ID.TIMESTAMP.BODY" in base64.
"""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stackfold.application.history.views import LogEvent
from stackfold.application.reactions.reaction import Delivery, Reaction, Retries, topic_of
from stackfold.domain.errors import Invalid, WebhookFailed
from stackfold.domain.stacks.secret_references import is_reference
from stackfold.infrastructure.system.webhook_signatures import signed

if TYPE_CHECKING:
    from stackfold.domain.eventsourcing.event import DomainEvent

TIMEOUT = 15.0
"""Seconds until the answer must be complete."""
_MOST_BYTES = 64 * 1024
"""The largest answer that is read; it is not used."""
_RETRIES = Retries(attempts=12, first=1.0, longest=300.0)


def webhook(
    url: str,
    *,
    secret: str,
    topics: "Sequence[type[DomainEvent] | str]" = (),
    name: str | None = None,
    retries: Retries = _RETRIES,
    ordered: bool = True,
    timeout: float = TIMEOUT,
) -> Reaction:
    """Declare a reaction that sends each event to a URL.

    An answer from 200 to 299 accepts the event; anything else is a failure, also a redirect. The
    receiver verifies the signature, and may see an event several times, with the same
    `webhook-id`.

    Args:
        url: An http or https URL; or a reference to a secret that holds one, "{{name.key}}".
        secret: A reference to the secret key, "{{name.key}}". The key is "whsec_" and base64, or
            any other text of at least 16 bytes.
        topics: Classes or topics of events; empty for all.
        name: Identifies how far it has come; by default "webhook-HOST".
        retries: How often and when an event is sent again.
        ordered: Whether later events wait while one is retried.
        timeout: Seconds until the answer must be complete.

    Raises:
        Invalid: The URL, the reference, the topics or the timeout are invalid.
        InvalidName: The name breaks the rule for names.
    """
    if not is_reference(str(secret)):
        raise Invalid(
            "the secret of a webhook is given by reference: create it, and give {{name.key}}"
        )
    if not is_reference(url):
        _require_url(url)
        name = name or f"webhook-{urlsplit(url).hostname or ''}".replace(":", "-")
    elif name is None:
        raise Invalid("a webhook whose URL is a secret needs a name")
    if isinstance(timeout, bool) or not 0 < timeout <= 300:
        raise Invalid(f"the timeout of a webhook is more than 0, at most 300 s, not {timeout!r}")

    def send(event: LogEvent, delivery: Delivery) -> None:
        address = delivery.secret(url) if is_reference(url) else url
        _require_url(address)
        body = cloud_event(event, _log_of(delivery.workspace))
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "stackfold",
            **signed(delivery.id, int(time.time()), body, delivery.secret(secret)),
        }
        _post(address, headers, body, timeout)

    return Reaction(
        name,
        send,
        [*map(topic_of, topics)],
        retries=retries,
        ordered=ordered,
        untyped=True,
    )


def cloud_event(event: LogEvent, log: str) -> bytes:
    """An event as a CloudEvent in JSON.

    Args:
        event: The event.
        log: The hash of the first event of its log, in hexadecimal, which identifies the log.
    """
    content = {
        "specversion": "1.0",
        "id": event.head,
        "source": f"urn:stackfold:log:{log}",
        "type": event.topic,
        "subject": event.id,
        "time": event.recorded_at,
        "datacontenttype": "application/json",
        "sequence": f"{event.position:019}",
        "revision": event.revision,
        "data": event.data,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(
        errors="surrogatepass"
    )


def _require_url(url: object) -> None:
    # The URL may hold a secret, so messages do not contain it.
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        parts, valid = urlsplit(""), False
    if not valid:
        raise Invalid("the URL of a webhook is invalid: give http://HOST/… or https://HOST/…")
    if parts.username is not None or parts.password is not None:
        raise Invalid("the URL of a webhook contains a user: leave it out, requests are signed")


def _log_of(workspace: Any) -> str:
    first = next(iter(workspace.log.events(upto=1)))
    return str(first.head.partition(":")[2])


def _post(url: str, headers: dict[str, str], body: bytes, timeout: float) -> None:
    from stackfold.infrastructure.flavors.http_requests import request

    host = urlsplit(url).hostname or ""
    try:
        answer = request(
            "POST", url, timeout=timeout, headers=headers, content=body, max_bytes=_MOST_BYTES
        )
    except TimeoutError:
        raise WebhookFailed(host, f"did not answer in {timeout:g} s") from None
    except (OSError, ValueError) as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        raise WebhookFailed(host, f"could not be reached: {problem}") from None
    if not 200 <= answer.status < 300:
        redirect = ", a redirect, which is not followed" if 300 <= answer.status < 400 else ""
        raise WebhookFailed(host, f"answered {answer.status}{redirect}", answer.status)
