"""Model card: texts that say what a model is for, and what it is not for."""

from collections.abc import Mapping

from stackfold.domain.errors import Invalid
from stackfold.domain.limits import MESSAGE, must_fit

CARD = ("license", "audience", "use_cases", "limitations", "trade_offs", "ethics")
"""The keys of a card besides the description, in the order in which they are shown."""


def valid_card(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a card in order, without those that are empty.

    Args:
        texts: Key → text.

    Raises:
        Invalid: A key is unknown, or a value is no text.
        TooLarge: A text is longer than 64 KiB.
    """
    for key, text in texts.items():
        if key not in CARD:
            raise Invalid(f"a model card has no {key!r:.60}: give {', '.join(CARD)}")
        if not isinstance(text, str):
            raise Invalid(f"{key!r} of a model card is {type(text).__name__}: give a text")
        must_fit(f"{key!r} of the model card", text, MESSAGE)
    return {key: texts[key] for key in CARD if texts.get(key)}
