"""The first error of a pydantic validation, as one line of plain words."""

from typing import NamedTuple

from pydantic import ValidationError


class FirstError(NamedTuple):
    """The first error of a validation."""

    path: str
    """The path in the value, such as "steps.train.retries"; empty for the whole value."""
    unknown: bool
    """Whether the key at that path is unknown."""
    problem: str
    """What is wrong, such as "it should be a valid integer, not 'many'"."""


def first_error(error: ValidationError, hides_input: bool = False) -> FirstError:
    """Return the first error of a pydantic validation.

    Args:
        error: What pydantic raised.
        hides_input: Whether to omit the value, which may be a secret.
    """
    first = error.errors(include_url=False, include_context=False)[0]
    message = first["msg"].removeprefix("Value error, ").replace("Input", "it", 1)
    shown = repr(first["input"])
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return FirstError(
        path=".".join(map(str, first["loc"])),
        unknown=first["type"] == "extra_forbidden",
        problem=" ".join((message if hides_input else f"{message}, not {shown}").split()),
    )
