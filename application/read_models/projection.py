"""How a read model is declared: a table, its rows, and how an event changes them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from stackfold.domain.events import DomainEvent

Row = tuple[Any, ...]


class Temporal(NamedTuple):
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


class Write(NamedTuple):
    """A change of one plain row."""

    action: Literal["insert", "update"]
    table: str
    values: Mapping[str, Any]
    """Column → value; "update" sets those of the row with the same `key`."""
    key: Mapping[str, Any]


class Plain(NamedTuple):
    """Tables with one row per fact: runs, steps, artifacts."""

    tables: Mapping[str, str]
    """Table → its columns and constraints, in SQL that every database understands."""
    indexes: tuple[str, ...]
    """Index definitions, as "table (columns)"."""
    fold: Callable[[Any, int, str], Iterable[Write]]
    """(event, position, recorded at) → what to write."""
    events: frozenset[type[DomainEvent]]
