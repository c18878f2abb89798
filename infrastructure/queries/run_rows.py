"""Rows of several runs by their ids, a part of the ids at once."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks
from stackfold.infrastructure.queries.text import encodable

AT_ONCE = 500
"""The largest number of ids in one statement."""


def parts(ids: Collection[str]) -> Iterator[list[str]]:
    """The ids in lists that fit into one statement."""
    listed = [*map(encodable, ids)]
    for begin in range(0, len(listed), AT_ONCE):
        yield listed[begin : begin + AT_ONCE]


def rows_in_order(database: Database, select: str, ids: Sequence[str]) -> list[Any]:
    """The rows of some runs, in the order of their ids.

    Args:
        database: Holds the read models.
        select: A SELECT from `runs AS t` with a condition, whose first column is the id.
        ids: The ids; runs that do not exist have no row.
    """
    found = {
        row[0]: row
        for part in parts(ids)
        for row in database.read(f"{select} AND t.id IN ({marks(part)})", part)
    }
    return [found[id] for id in ids if id in found]


def parameters_of(
    database: Database, runs: Collection[str], steps: Collection[str]
) -> dict[str, list[tuple[str, str, str]]]:
    """The recorded parameters of runs and of some of their steps.

    Args:
        database: Holds the read models.
        runs: The ids of the runs.
        steps: The names of the steps.

    Returns:
        Id → step (empty for the pipeline), form and JSON.
    """
    found: dict[str, list[tuple[str, str, str]]] = {id: [] for id in runs}
    for part in parts(runs):
        rows = database.read(
            f"SELECT id, '', parameter_form, parameters FROM runs WHERE id IN ({marks(part)})",
            part,
        )
        for run, *recorded in rows:
            found[run].append(tuple(recorded))
        if steps:
            names = [*map(encodable, steps)]
            rows = database.read(
                "SELECT run, name, parameter_form, parameters FROM steps "
                f"WHERE run IN ({marks(part)}) AND name IN ({marks(names)}) ORDER BY run, name",
                [*part, *names],
            )
            for run, *recorded in rows:
                found[run].append(tuple(recorded))
    return found
