"""Offers: what a page has shown, signed, so that nothing else can be confirmed."""

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from stackfold.application.history.views import HistoryEntry


class Offer(NamedTuple):
    """A change that a page has shown, as its form sends it back."""

    kind: str
    fields: tuple[tuple[str, str], ...]
    """What is to be changed."""
    actor: str
    """Who was shown it, and would make it."""
    seen: int
    """The position of the log that it was shown at."""
    expected: int
    """The revision or position that the command is decided on."""
    outcome: str
    """The digest of what would be recorded."""


def secret_of(key: str | None) -> bytes:
    """The secret that offers are signed with.

    Args:
        key: The key of the application, so that all its processes have the same secret; None for
            a secret of this process.
    """
    if key is None:
        return secrets.token_bytes(32)
    return hmac.digest(key.encode(), b"stackfold changes", "sha256")


def token_of(offer: Offer, secret: bytes) -> str:
    """The signature of an offer."""
    return hmac.digest(secret, json.dumps(offer).encode(), "sha256").hex()


def is_signed(offer: Offer, token: str, secret: bytes) -> bool:
    """Whether a token is the signature of an offer."""
    return hmac.compare_digest(token_of(offer, secret).encode(), token.encode(errors="replace"))


def digest_of(entries: Sequence[HistoryEntry]) -> str:
    """The digest of what a command records, apart from where and when."""
    content: list[Any] = [
        (each.kind, each.id, each.revision, each.action, each.changes) for each in entries
    ]
    return sha256(json.dumps(content, default=str).encode()).hexdigest()


def number(form: Mapping[str, str], name: str) -> int:
    """A number that a form has sent back; -1, which no offer has, if it is none."""
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
