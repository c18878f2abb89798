"""Projections: how an event changes the rows of a read model, declared as data."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from stackfold.application.eventsourcing.read_model import ReadModel

Row = tuple[Any, ...]


class TemporalProjection(NamedTuple):
    """Keeps every revision of an aggregate as a row of its read model."""

    read_model: ReadModel
    apply: Callable[[Any, Any], Row | None]
    """(the row before the event or None, the event) → the row after it; None ends the row."""


ColumnType = Literal["TEXT", "INTEGER", "TEXT NULL"]


class Table(NamedTuple):
    """A table with one row per fact."""

    name: str
    columns: Mapping[str, ColumnType]
    """Column → type; a column is not null unless its type says so."""
    primary_key: tuple[str, ...]
    position: "str | PositionOf"
    """Where the position of the event that made a row is found."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Groups of columns whose values no two rows share."""
    indexes: tuple[tuple[str, ...], ...] = ()
    """Groups of columns that rows are looked up by."""


class PositionOf(NamedTuple):
    """The position of the row of another table that a row belongs to."""

    table: str
    column: str
    """The column with the id of that row."""


class Lookup(NamedTuple):
    """A value that is taken from a row of another table: the column of the row with that id."""

    table: str
    column: str
    id: str


class NextNumber(NamedTuple):
    """One more than the largest number in its column, among the rows with the same values."""

    among: tuple[str, ...]
    """The columns whose values are the same as those of the row that is inserted."""


class RowChange(NamedTuple):
    """A change of the rows of a table."""

    action: Literal["insert", "update", "delete"]
    """"update" and "delete" change the rows with that key."""
    table: str
    key: Mapping[str, Any]
    values: Mapping[str, Any] = {}
    """Column → value, `Lookup` or `NextNumber`."""


class TableProjection(NamedTuple):
    """Keeps facts as rows of tables that are changed in place: runs, steps, artifacts."""

    tables: tuple[Table, ...]
    apply: Callable[[Any, int, str], Iterable[RowChange]]
    """(event, position, recorded at) → the changes of rows; none for an event of no interest."""
