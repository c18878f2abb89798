"""Queries for the metrics of runs, in plain SQL."""

from collections.abc import Collection

from stackfold.application.runs.metrics import Metric, MetricPoint
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks
from stackfold.infrastructure.queries.run_rows import parts
from stackfold.infrastructure.queries.text import encodable


def metrics_of(database: Database, runs: Collection[str]) -> dict[str, list[Metric]]:
    """The metrics of each of the runs with some ids, by step and name."""
    found: dict[str, list[Metric]] = {id: [] for id in runs}
    for part in parts(runs):
        rows = database.read(
            "SELECT run, step, name, value FROM metrics "
            f"WHERE run IN ({marks(part)}) ORDER BY run, step, name",
            part,
        )
        for run, *metric in rows:
            found[run].append(Metric(*metric))
    return found


def course(
    database: Database, name: str, pipeline: str | None, stack_id: str | None, limit: int
) -> list[MetricPoint]:
    """The values of a metric in several runs, the latest run first."""
    given = {"r.pipeline": pipeline, "r.stack_id": stack_id}
    filters = {column: encodable(value) for column, value in given.items() if value is not None}
    rows = database.read(
        "SELECT r.id, r.name, r.pipeline, r.stack_id, m.step, m.value, m.position, r.started "
        "FROM metrics AS m JOIN runs AS r ON r.id = m.run "
        f"WHERE m.name = ?{''.join(f' AND {column} = ?' for column in filters)} "
        "ORDER BY m.position DESC, m.step LIMIT ?",
        [encodable(name), *filters.values(), limit],
    )
    return [MetricPoint(*row) for row in rows]
