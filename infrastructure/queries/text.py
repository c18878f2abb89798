"""Texts that users look things up by, such that any database takes them."""

import unicodedata


def encodable(text: str) -> str:
    """The text; half a character, which nothing that was ever recorded has, becomes a "?"."""
    return text.encode(errors="replace").decode()


def normal(text: str) -> str:
    """The form in which names are stored."""
    return encodable(unicodedata.normalize("NFC", text))
