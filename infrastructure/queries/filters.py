"""SQL for a part of a list: conditions, order and page."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.as_of import Position, Time, moment
from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import InvalidAsOf, InvalidListing
from stackfold.infrastructure.queries.text import encodable, normal

_MOST = 2**62
"""More than any table has rows, and fewer than SQL can count."""


_NUMBERS = {"place", "position", "revision", "size", "stack_revision", "version"}
"""Columns that hold numbers, which are compared as texts here: any text may be asked for."""


class Part(NamedTuple):
    """The end of a SELECT, and its parameters."""

    where: str
    tail: str
    parameters: list[Any]


def part(listing: Listing, columns: Mapping[str, str], then: str = "t.id") -> Part:
    """Turn a listing into SQL.

    Args:
        listing: What is wanted.
        columns: The columns that it may name → the SQL expressions they stand for.
        then: What decides the order of those that are equal in the column they are sorted by.

    Raises:
        InvalidListing: It names another column.
    """
    clauses: list[str] = []
    parameters: list[Any] = []
    for condition in listing.where:
        clause, values = _clause(_known(condition.column, columns), condition)
        clauses.append(clause)
        parameters += values
    for label, text in listing.labels:
        # In canonical JSON, and nowhere else in it, the pair reads exactly like this.
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
    # Databases differ in where they put nothing; here it is less than anything.
    direction = "DESC NULLS LAST" if listing.descending else "ASC NULLS FIRST"
    tail = f" ORDER BY {order} {direction}, {then}"
    if listing.size is not None:
        tail += " LIMIT ? OFFSET ?"
        size = min(max(listing.size, 0), _MOST)
        parameters += [size, min(max(listing.page - 1, 0) * size, _MOST)]
    return Part("".join(f" AND {clause}" for clause in clauses), tail, parameters)


def _bound(as_of: str) -> tuple[str, str | int]:
    match moment(as_of):
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
