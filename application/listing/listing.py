"""Which part of a list is wanted, and in which order."""

from typing import Literal, NamedTuple


class Condition(NamedTuple):
    """A condition on a column."""

    column: str
    operator: Literal["equals", "contains", "startswith", "endswith", "oneof"]
    value: str


class Listing(NamedTuple):
    """Filters, order and page of a list."""

    where: tuple[Condition, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Pairs of label and text that must all be there."""
    tags: tuple[str, ...] = ()
    """Tags that must all be there; of runs only."""
    since: str | None = None
    """Only what started then or later, in any form of `moments.AsOf`; of runs only."""
    until: str | None = None
    """Only what started then or earlier; of runs only."""
    sort_by: str = "name"
    descending: bool = False
    page: int = 1
    size: int | None = None
    """How many rows a page has; None for all."""


ALL = Listing()
"""Everything, by name."""
