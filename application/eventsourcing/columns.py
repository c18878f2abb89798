"""Columns of tables, from the fields of the NamedTuple that declares a row."""

from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, NewType, get_args

Real = NewType("Real", float)
"""The type of a column that is compared and sorted as a number; a `float` is stored as JSON."""


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: Literal["text", "integer", "real", "json"]
    optional: bool
    """Whether the column may be null."""


@cache
def columns_of(row: type[tuple[Any, ...]]) -> tuple[Column, ...]:
    """The columns that the fields of a NamedTuple declare.

    A `str` is a text, an `int` an integer, a `Real` a number, and everything else is stored as
    JSON; a field that may be None is an optional column.
    """
    return tuple(_column(name, type) for name, type in row.__annotations__.items())


@cache
def json_columns(row: type[tuple[Any, ...]]) -> frozenset[str]:
    """The names of the columns that are stored as JSON."""
    return frozenset(column.name for column in columns_of(row) if column.type == "json")


def _column(name: str, type: Any) -> Column:
    alternatives = get_args(type) if isinstance(type, UnionType) else (type,)
    (only,) = (each for each in alternatives if each is not NoneType)
    return Column(name, _KINDS.get(only, "json"), NoneType in alternatives)


_KINDS: dict[Any, Literal["text", "integer", "real"]] = {str: "text", int: "integer", Real: "real"}
