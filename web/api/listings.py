"""Listings made of the query of a request."""

from collections.abc import Sequence

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import Invalid


def listing(
    sort: str,
    page: int,
    size: int,
    *,
    labels: Sequence[str] = (),
    tags: Sequence[str] = (),
    until: str | None = None,
    **equal: str | None,
) -> Listing:
    """The listing of a request.

    Args:
        sort: The column to sort by, after "-" if the order is descending.
        page: The number of the page.
        size: The most items.
        labels: The labels that the items must have, as "key=value".
        tags: The tags that they must have.
        until: Only what began up to this point.
        **equal: Column → the text that must be equal; None for any.

    Raises:
        Invalid: A label is no "key=value".
    """
    return Listing(
        where=tuple(Condition(name, "equals", text) for name, text in equal.items() if text),
        labels=tuple(_label(each) for each in labels),
        tags=tuple(tags),
        until=until,
        sort_by=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        page=page,
        size=size,
    )


def _label(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise Invalid(f"label={text!r:.100} is no label: give key=value")
    return name, value
