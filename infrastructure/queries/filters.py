"""SQL for listings: conditions, order and page."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.as_of import Position, Time, parse_as_of
from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import InvalidAsOf, InvalidListing
from stackfold.infrastructure.queries.text import encodable, normal

_MOST = 2**62
"""More rows than any table has, and less than the largest integer of SQL."""


_NUMBERS = {"ordinal", "position", "revision", "size", "stack_revision", "version"}
"""Columns of numbers, which are compared as texts, since users may filter by any text."""


class ListingClauses(NamedTuple):
    """The end of a SELECT statement."""

    where: str
    tail: str
    parameters: list[Any]


def listing_clauses(
    listing: Listing, columns: Mapping[str, str], then: str = "t.id"
) -> ListingClauses:
    """The SQL for a listing.

    Args:
        listing: Conditions, order and page.
        columns: Column that the listing may name → SQL expression.
        then: SQL for the order of rows that are equal in the column of the listing.

    Raises:
        InvalidListing: The listing names another column.
    """
    clauses: list[str] = []
    parameters: list[Any] = []
    for condition in listing.where:
        clause, values = _clause(_known(condition.column, columns), condition)
        clauses.append(clause)
        parameters += values
    for label, text in listing.labels:
        # In canonical JSON only this label with this value has this text.
        clauses.append("instr(t.labels, ?) > 0")
        parameters.append(f"{_quoted(normal(label))}:{_quoted(encodable(text))}")
    for tag in listing.tags:
        clauses.append(f"instr({_known('tags', columns)}, ?) > 0")
        parameters.append(_quoted(normal(tag)))
    for bound, comparison in ((listing.since, ">="), (listing.until, "<=")):
        if bound is not None:
            column, value = _bound(bound)
            clauses.append(f"{_known(column, columns)} {comparison} ?")
            parameters.append(value)
    order = _known(listing.sort_by, columns)
    # Databases differ in the order of nulls; here null is the smallest value.
    direction = "DESC NULLS LAST" if listing.descending else "ASC NULLS FIRST"
    tail = f" ORDER BY {order} {direction}, {then}"
    if listing.size is not None:
        tail += " LIMIT ? OFFSET ?"
        size = min(max(listing.size, 0), _MOST)
        parameters += [size, min(max(listing.page - 1, 0) * size, _MOST)]
    return ListingClauses("".join(f" AND {clause}" for clause in clauses), tail, parameters)


def _bound(as_of: str) -> tuple[str, str | int]:
    match parse_as_of(as_of):
        case Position(number):
            return "position", number
        case Time(text):
            return "started", text
    raise InvalidAsOf(as_of)


def _known(column: str, columns: Mapping[str, str]) -> str:
    if column not in columns:
        raise InvalidListing("column", column, list(columns))
    return columns[column]


def _clause(expression: str, condition: Condition) -> tuple[str, list[str]]:
    value = (normal if condition.column == "name" else encodable)(condition.value)
    if condition.column in _NUMBERS:
        expression = f"CAST({expression} AS TEXT)"
    match condition.operator:
        case "equals":
            return f"{expression} = ?", [value]
        case "contains":
            return f"instr({expression}, ?) > 0", [value]
        case "startswith":
            return f"substr({expression}, 1, length(?)) = ?", [value, value]
        case "endswith":
            start = f"length({expression}) - length(?) + 1"
            return f"substr({expression}, {start}) = ?", [value, value]
        case "oneof":
            values = value.split(",")
            return f"{expression} IN ({', '.join('?' for _ in values)})", values


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
