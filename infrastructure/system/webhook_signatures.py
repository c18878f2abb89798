"""Signatures of webhooks, by the scheme v1 of Standard Webhooks: https://www.standardwebhooks.com.

`webhook-signature` is "v1," and the HMAC-SHA256 of "ID.TIMESTAMP.BODY" in base64.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from stackfold.domain.errors import Invalid

_SHORTEST_KEY = 16
_PREFIX = "whsec_"
_TOLERANCE = 300
"""Seconds by which the clocks of sender and receiver may differ."""


def signed(id: str, timestamp: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers that sign a body, by the scheme v1 of Standard Webhooks.

    Args:
        id: The id of the delivery.
        timestamp: When it is sent, in seconds since 1970.
        body: The body of the request.
        secret: The secret key: "whsec_" and base64, or another text.

    Raises:
        Invalid: The key is no base64, or too short.
    """
    content = b"%s.%d.%s" % (id.encode(), timestamp, body)
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    key = secret.encode()
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise Invalid("the key of a webhook begins with whsec_, but is no base64") from None
    if len(key) < _SHORTEST_KEY:
        raise Invalid(f"the key of a webhook is shorter than {_SHORTEST_KEY} bytes")
    return key


def verified(id: str, now: float, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the headers sign a body, for an id, at about this time.

    Args:
        id: The expected id.
        now: The time in seconds since 1970.
        headers: The headers that came with the body; names in lower case.
        body: The body.
        secret: The secret key.

    Raises:
        Invalid: The key is no base64, or too short.
    """
    try:
        timestamp = int(headers.get("webhook-timestamp", ""))
    except ValueError:
        return False
    if headers.get("webhook-id") != id or abs(now - timestamp) > _TOLERANCE:
        return False
    expected = signed(id, timestamp, body, secret)["webhook-signature"]
    given = headers.get("webhook-signature", "").split()  # several while a key is replaced
    return any(hmac.compare_digest(each.encode(), expected.encode()) for each in given)
