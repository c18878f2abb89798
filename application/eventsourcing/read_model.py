"""Read model: the half of an aggregate's declaration that queries need; it imports no event."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

Names = Mapping[str, str]
"""Id → name, for what a row refers to."""

Describe = Callable[[Any, Names], dict[str, Any]]
"""(a column's value, names) → the fields that histories and diffs show; empty for none."""


class ReferencedNames(NamedTuple):
    """Which ids a row holds, so that histories show names instead."""

    table: str
    """Where their names are."""
    column: str
    """Which column holds the ids."""
    ids: Callable[[Any], Iterable[str]]
    """The column's value → the ids."""


class ReadModel(NamedTuple):
    """A table with one row per revision of an aggregate, valid for an interval of positions.

    Beside its own columns a row has: `id` (of the aggregate), `revision`, `since` and `until`
    (the half-open interval of positions in the log; `until` is null while the row is current),
    `created`, `updated` and `ended` (RFC 3339, the log's own time), and `by`.
    """

    topic: str
    """The topic of the aggregate, such as "stack"."""
    table: str
    row: type[Any]
    """A NamedTuple whose fields are the table's own columns."""
    describe: Mapping[str, Describe]
    """Column → the fields that histories and diffs show of it; other columns are not shown."""
    json: frozenset[str] = frozenset()
    """The columns that hold a dictionary or a list, stored as JSON."""
    unique: tuple[str, ...] = ("name",)
    """The columns whose values no two current rows share; the last one is the name."""
    duplicate: Literal["name taken", "lost race"] = "name taken"
    """What a second row with the same unique values means: the command is refused, or retried."""
    noun: Callable[[Any], str] | None = None
    """A row → what it is called in a message; None for the topic."""
    kind: str | None = None
    """The column with the kind that histories show and filter by; None for the topic."""
    references: ReferencedNames | None = None

    def __hash__(self) -> int:
        # Statements are cached per read model; of its fields, some cannot be hashed.
        return hash(self.table)

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's own columns."""
        columns: tuple[str, ...] = self.row._fields
        return columns

    @property
    def name(self) -> str:
        """The column with the name."""
        return self.unique[-1]

    def noun_of(self, row: Any) -> str:
        """What a row is called in a message, such as "artifact store"."""
        return self.noun(row) if self.noun else self.topic

    def unique_values(self, row: Any) -> tuple[Any, ...]:
        """The values that no other current row shares."""
        values: Mapping[str, Any] = row._asdict()
        return tuple(values[column] for column in self.unique)


def shown(column: str) -> Describe:
    """Show a column's value under the column's name; nothing where it is empty."""
    return lambda value, names: {column: value} if value else {}


def always_shown(column: str) -> Describe:
    """Show a column's value under the column's name, even where it is empty."""
    return lambda value, names: {column: value}
