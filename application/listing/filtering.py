"""Filters, sorts and pages rows in memory; rows of the log are filtered by SQL."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import InvalidListing

Row = TypeVar("Row", bound=NamedTuple)

_FITS: dict[str, Callable[[str, str], bool]] = {
    "equals": str.__eq__,
    "contains": str.__contains__,
    "startswith": lambda text, value: text.startswith(value),
    "endswith": lambda text, value: text.endswith(value),
    "oneof": lambda text, value: text in value.split(","),
}


def selected(rows: Sequence[Row], listing: Listing) -> list[Row]:
    """Return the rows of a listing.

    Args:
        rows: All rows, of one class.
        listing: Filters, order and page; labels are ignored, as these rows have none.

    Raises:
        InvalidListing: The rows have no such column.
    """
    found = [row for row in rows if all(_fits(row, condition) for condition in listing.where)]
    found.sort(key=lambda row: _text(row, listing.sort_by), reverse=listing.descending)
    if listing.size is None:
        return found
    first = (listing.page - 1) * listing.size
    return found[first : first + listing.size]


def _fits(row: Any, condition: Condition) -> bool:
    return _FITS[condition.operator](_text(row, condition.column), condition.value)


def _text(row: Any, column: str) -> str:
    """A value as it is written in a condition; booleans as in JSON."""
    if column not in row._fields:
        raise InvalidListing("column", column, row._fields)
    value = getattr(row, column)
    return str(value).lower() if isinstance(value, bool) else str(value)
