"""The rule for who acts, and for correlation ids: text that fits in one line."""

import unicodedata

from stackfold.domain.errors import InvalidActor

LONGEST = 255

_NOT_PRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: control characters, surrogates, separators of lines and paragraphs."""


def valid_actor(what: str, text: object) -> str:
    """Return `text` without spaces around it.

    Args:
        what: What it is, for the error, such as "actor".
        text: 1 to 255 characters without control characters.

    Raises:
        InvalidActor: It breaks that rule.
    """
    stripped = text.strip(" ") if isinstance(text, str) else ""
    if not 0 < len(stripped) <= LONGEST or not _NOT_PRINTABLE.isdisjoint(
        map(unicodedata.category, stripped)
    ):
        raise InvalidActor(what, text)
    return stripped
