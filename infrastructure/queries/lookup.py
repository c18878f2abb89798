"""Finds rows of temporal read models by name, id or prefix, now or at a position."""

from collections.abc import Iterable, Sequence
from typing import Any

from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.listing.reference import Reference
from stackfold.domain.errors import Ambiguous, NotFound
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.text import normal


def find(
    database: Database,
    table: str,
    kind: str,
    condition: str,
    values: Iterable[str],
    reference: str,
    as_of: int | None,
) -> Reference:
    """Look up the id and name of a row; see `find_row`."""
    return Reference(*find_row(database, table, kind, condition, values, reference, as_of))


def find_row(
    database: Database,
    table: str,
    kind: str,
    condition: str,
    values: Iterable[str],
    reference: str,
    as_of: int | None,
    columns: str = "",
) -> Sequence[Any]:
    """Look up a row by name, id or a unique prefix of either, as it is or was.

    Args:
        database: Holds the read model.
        table: The table of a temporal read model.
        kind: The noun for messages.
        condition: SQL for a further condition on a row `t`, beginning with " AND "; may be empty.
        values: The parameters of the condition.
        reference: The name, the id or the prefix.
        as_of: A position; None for now.
        columns: Further columns of `t`, each after a comma.

    Returns:
        The id, the name, and the further columns.

    Raises:
        NotFound: Nothing matches.
        Ambiguous: The prefix matches several rows.
    """
    source, parameters = valid_at(table, as_of)
    select = f"SELECT t.id, t.name{columns} {source}{condition}"
    given = [*parameters, *values]
    reference = normal(reference)
    # Two seeks; a condition with OR would read every name.
    exact = database.read(
        f"{select} AND t.name = ? UNION ALL {select} AND t.id = ?",
        [*given, reference, *given, reference],
    )
    if exact:
        # A name takes precedence over an equal id.
        return ([row for row in exact if row[1] == reference] or exact)[0]  # type: ignore[no-any-return]
    prefixed = reference and database.read(
        f"{select} AND (substr(t.name, 1, length(?)) = ? OR substr(t.id, 1, length(?)) = ?) "
        "ORDER BY t.name",
        [*given, reference, reference, reference, reference],
    )
    if not prefixed:
        raise NotFound(kind, reference, _known(database, select, given))
    if len(prefixed) > 1:
        raise Ambiguous(kind, reference, [name for _, name, *_ in prefixed])
    return prefixed[0]  # type: ignore[no-any-return]


def _known(database: Database, select: str, given: list[Any]) -> str:
    rows = database.read(f"{select} ORDER BY t.name LIMIT 11", given)
    names = [name for _, name, *_ in rows[:10]] + (["…"] if len(rows) > 10 else [])
    return f"there is {', '.join(names)}" if names else "none is registered yet"


def valid_at(table: str, as_of: int | None) -> tuple[str, list[int]]:
    """FROM and WHERE for the rows `t` that are valid now or at a position, and the parameters."""
    if as_of is None:
        return f"FROM {table} AS t WHERE t.until IS NULL", []
    # One seek for each aggregate that was ever created, whatever the number of its revisions.
    return (
        f"FROM {table} AS first JOIN {table} AS t ON t.id = first.id AND t.since = "
        f"(SELECT max(since) FROM {table} WHERE id = first.id AND since <= ?) "
        "WHERE first.revision = 1 AND first.since <= ? AND (t.until IS NULL OR t.until > ?)",
        [as_of, as_of, as_of],
    )


def marks(values: Sequence[object]) -> str:
    """A parameter mark for each value."""
    return ", ".join("?" * len(values))


def readable_model(database: Database, topic: str) -> ReadModel | None:
    """The read model of the aggregates of a topic, unless there is none or it is not current.

    Those of Stackfold are current; those of other packages are built when they are first needed.
    """
    if "." in topic:
        from stackfold.infrastructure.database.package_registry import PackageRegistry

        return PackageRegistry(database).readable(topic)
    return database.aggregates.read_model(topic)


def table_of(database: Database, topic: str) -> str:
    """The table of the read model of the aggregates of a topic, such as "stack".

    Raises:
        LookupError: There is no such read model.
    """
    model = database.aggregates.read_model(topic)
    if model is None:
        raise LookupError(f"there is no read model of {topic!r}")
    return model.table
