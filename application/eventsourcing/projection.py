"""Projections: how an event changes the rows of a read model, declared as data."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import ReadModel

Row = tuple[Any, ...]


class TemporalProjection(NamedTuple):
    """Stores every revision of an aggregate as a row of its read model."""

    read_model: ReadModel
    apply: Callable[[Any, Any], Row | None]
    """(the row before the event or None, the event) → the row after it; None ends the row."""


class Table(NamedTuple):
    """A table with one row per fact."""

    name: str
    row: type[tuple[Any, ...]]
    """A NamedTuple whose fields are the columns and their types; see `columns_of`."""
    primary_key: tuple[str, ...]
    position: "str | PositionOf"
    """The column with the position of the event that created a row, or where to look it up."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Groups of columns whose values no two rows share."""
    indexes: tuple[tuple[str, ...], ...] = ()
    """Groups of columns that rows are looked up by."""


class PositionOf(NamedTuple):
    """The position of the row of another table that a row belongs to."""

    table: Table
    column: str
    """The column with the id of that row."""


class Lookup(NamedTuple):
    """The value of a column of another table, in the row with an id."""

    table: Table
    column: str
    id: str


class NextNumber(NamedTuple):
    """One more than the largest number in its column, among the rows with the same values."""

    among: tuple[str, ...]
    """The columns whose values are the same as those of the row that is inserted."""


class Insert(NamedTuple):
    """Inserts a row into a table."""

    table: Table
    values: Mapping[str, Any]
    """Column → value, `Lookup` or `NextNumber`; columns that are left out are null."""


class Update(NamedTuple):
    """Changes the rows of a table that have a key."""

    table: Table
    key: Mapping[str, Any]
    values: Mapping[str, Any]
    """Column → new value."""


class Delete(NamedTuple):
    """Deletes the rows of a table that have a key."""

    table: Table
    key: Mapping[str, Any]


RowChange = Insert | Update | Delete


class TableProjection(NamedTuple):
    """Stores facts as rows of tables that are changed in place, such as runs and artifacts."""

    tables: tuple[Table, ...]
    apply: Callable[[Any, int, str], Iterable[RowChange]]
    """(event, position, recorded at) → the changes of rows; none for an event of no interest."""
