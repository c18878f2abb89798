"""Misfits: what pydantic finds wrong with a value, in one line of plain words."""

from typing import NamedTuple

from pydantic import ValidationError


class FirstError(NamedTuple):
    """The first thing that does not fit."""

    place: str
    """Where in the value, such as "steps.train.retries"; empty for the value as a whole."""
    unknown: bool
    """Whether there should be nothing at that place."""
    problem: str
    """Such as "it should be a valid integer, not 'many'"."""


def first_error(error: ValidationError, hides_input: bool = False) -> FirstError:
    """The first problem in a refusal of pydantic's.

    Args:
        error: The refusal.
        hides_input: Whether the value is left out, because it may hold a secret.
    """
    first = error.errors(include_url=False, include_context=False)[0]
    message = first["msg"].removeprefix("Value error, ").replace("Input", "it", 1)
    shown = repr(first["input"])
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return FirstError(
        place=".".join(map(str, first["loc"])),
        unknown=first["type"] == "extra_forbidden",
        problem=" ".join((message if hides_input else f"{message}, not {shown}").split()),
    )
