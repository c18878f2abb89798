"""How a read model is declared: a table, its rows, and how an event changes them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from stackfold.domain.eventsourcing.aggregate import DomainEvent

Row = tuple[Any, ...]


class TemporalProjection(NamedTuple):
    """A table with one row per revision, true for a half-open interval of positions.

    Beside its own columns a row has: `id` (of the aggregate), `revision`, `since` and `until`
    (positions in the log; `until` is null while the row is true), `created`, `updated` and
    `ended` (RFC 3339, the log's own time), and `by`.
    """

    table: str
    kind: str
    """What a row is called in a sentence; a row with a column `type` is called by its type."""
    row: type[Any]
    """A NamedTuple whose fields are the table's own columns."""
    json: frozenset[str]
    """Those of the columns that hold a dictionary or a list, stored as JSON."""
    unique: tuple[str, ...]
    """The columns that no two living rows have the same values in."""
    fold: Callable[[Any, Any], Row | None]
    """(the row that was true until now or None, the event) → the row that is true from now on."""
    events: frozenset[type[DomainEvent]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's own columns."""
        fields: tuple[str, ...] = self.row._fields
        return fields


class Derived(NamedTuple):
    """A value that the database works out from rows that are there already."""

    expression: str
    """SQL; `{schema}` stands for the schema of the tables, `?` for a parameter."""
    parameters: tuple[Any, ...]


class Write(NamedTuple):
    """A change of plain rows."""

    action: Literal["insert", "ensure", "update", "delete"]
    """"ensure" inserts a row unless there is one with that key; "update" and "delete" are of the
    rows with that key."""
    table: str
    values: Mapping[str, Any]
    """Column → value, or what it is derived from."""
    key: Mapping[str, Any]


class TableProjection(NamedTuple):
    """Tables with one row per fact: runs, steps, artifacts."""

    tables: Mapping[str, str]
    """Table → its columns and constraints, in SQL that every database understands."""
    indexes: tuple[str, ...]
    """Index definitions, as "table (columns)"."""
    fold: Callable[[Any, int, str], Iterable[Write]]
    """(event, position, recorded at) → what to write."""
    events: frozenset[type[DomainEvent]]
