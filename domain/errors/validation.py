"""Stacks that cannot work as they are made up."""

from collections.abc import Sequence
from typing import NamedTuple

from stackfold.domain.errors.refusal import StackfoldError


class Violation(NamedTuple):
    """What is wrong with a stack, and what fixes it."""

    problem: str
    fix: str
    """A command, or what to add to the one that was refused."""


class InvalidStack(StackfoldError):
    """A stack breaks rules; the error tells all of them at once."""

    def __init__(self, name: str, violations: Sequence[Violation]) -> None:
        """List the `violations` of the stack `name`."""
        self.name, self.violations = name, tuple(violations)
        listed = "; ".join(f"{problem}: {fix}" for problem, fix in self.violations)
        super().__init__(f"stack {name!r} cannot work: {listed}")
