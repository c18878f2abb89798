"""Makes the texts that users look things up by acceptable to every database."""

import unicodedata


def encodable(text: str) -> str:
    """The text with lone surrogates, which no recorded text contains, replaced by "?"."""
    return text.encode(errors="replace").decode()


def normal(text: str) -> str:
    """The form in which names are stored."""
    return encodable(unicodedata.normalize("NFC", text))
