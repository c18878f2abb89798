"""Numbers in addresses."""

from stackfold.domain.errors import Invalid


def whole_number(name: str, text: str) -> int:
    """Read a positive number of the query.

    Args:
        name: The field of the query.
        text: Its text.

    Raises:
        Invalid: It is no positive whole number, or has more than nine digits.
    """
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text):
        return int(text)
    raise Invalid(f"{name} is {text!r:.50}: give a whole number from 1 to 999999999")
