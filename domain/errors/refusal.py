"""The root of all errors."""


class StackfoldError(Exception):
    """Something that Stackfold refuses; its text is one line that a user can act on."""


def with_article(noun: str) -> str:
    """`noun` with its article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
