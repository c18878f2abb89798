"""Read model: the half of an aggregate's declaration that queries need; it imports no event."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from stackfold.application.eventsourcing.columns import json_columns

Names = Mapping[str, str]
"""Id → name, for what a row refers to."""

Describe = Callable[[Any, Names], dict[str, Any]]
"""(a column's value, names) → the fields that histories and diffs show; empty for none."""


class ReferencedNames(NamedTuple):
    """The ids in a row that refer to other aggregates, for which histories show names."""

    topic: str
    """The topic of the other aggregates."""
    column: str
    """The column with the ids."""
    ids: Callable[[Any], Iterable[str]]
    """The column's value → the ids."""


class ReadModel(NamedTuple):
    """A table with one row per revision of an aggregate, valid for an interval of positions.

    A row also has the columns `id` (of the aggregate), `revision`, `since` and `until` (the
    half-open interval of positions in the log; `until` is null while the row is current),
    `created`, `updated` and `ended` (RFC 3339, the log's own time), and `by`.
    """

    topic: str
    """The topic of the aggregate, such as "stack"."""
    table: str
    row: type[tuple[Any, ...]]
    """A NamedTuple whose fields are the table's columns and their types; see `columns_of`."""
    describe: Mapping[str, Describe]
    """Column → the fields that histories and diffs show of it; other columns are not shown."""
    unique: tuple[str, ...] = ("name",)
    """The columns whose values no two current rows share; the last one is the name."""
    duplicate: Literal["name taken", "lost race"] = "name taken"
    """What a second row with the same unique values means: the command fails, or is retried."""
    noun: Callable[[Any], str] | None = None
    """A row → the noun that messages use for it; None for the topic."""
    kind: str | None = None
    """The column with the kind that histories show and filter by; None for the topic."""
    references: ReferencedNames | None = None

    def __hash__(self) -> int:
        # Statements are cached per read model; of its fields, some cannot be hashed.
        return hash(self.table)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that `row` declares."""
        row: Any = self.row
        columns: tuple[str, ...] = row._fields
        return columns

    @property
    def json(self) -> frozenset[str]:
        """The names of the columns that are stored as JSON."""
        return json_columns(self.row)

    @property
    def name(self) -> str:
        """The column with the name."""
        return self.unique[-1]

    def row_of(self, values: Iterable[Any]) -> Any:
        """A row with these values, in the order of the columns.

        Args:
            values: The values of its columns, in their order.
        """
        row: Any = self.row
        return row(*values)

    def noun_of(self, row: Any) -> str:
        """The noun for a row in a message, such as "artifact store".

        Args:
            row: A row of the read model.
        """
        return self.noun(row) if self.noun else self.topic

    def unique_values(self, row: Any) -> tuple[Any, ...]:
        """The values that no other current row shares.

        Args:
            row: A row of the read model.
        """
        values: Mapping[str, Any] = row._asdict()
        return tuple(values[column] for column in self.unique)


def shown(column: str) -> Describe:
    """Show a column's value under the column's name, unless it is empty.

    Args:
        column: The column.
    """
    return lambda value, names: {column: value} if value else {}


def always_shown(column: str) -> Describe:
    """Show a column's value under the column's name, even if it is empty.

    Args:
        column: The column.
    """
    return lambda value, names: {column: value}
