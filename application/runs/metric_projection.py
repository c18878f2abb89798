"""The projection of metrics: the numbers in the metadata of runs and steps."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.columns import Real
from stackfold.application.eventsourcing.projection import (
    Delete,
    Insert,
    Lookup,
    RowChange,
    Table,
    TableProjection,
)
from stackfold.application.runs.metrics import numbers
from stackfold.application.runs.run_projection import RUNS
from stackfold.domain.runs.run import Run


class MetricRow(NamedTuple):
    """A number in the metadata of a run or of one of its steps."""

    run: str
    step: str
    """Empty for the metadata of the run."""
    name: str
    value: Real
    position: int
    """That of the run, so that the values of a name are in the order of their runs."""


METRICS = Table(
    "metrics",
    MetricRow,
    primary_key=("run", "step", "name"),
    position="position",
    indexes=(("name", "position"),),
)


def apply(event: Run.Event, position: int, recorded_at: str) -> Iterator[RowChange]:
    """The changes of rows that an event makes."""
    run = str(event.originator_id)
    match event:
        case Run.Started():
            yield from _rows(run, "", event.metadata)
        case Run.StepCompleted() | Run.StepFailed():
            if rows := [*_rows(run, event.step, event.metadata)]:
                # Of metadata that was added before the step ended; it is applied again now.
                yield Delete(METRICS, {"run": run, "step": event.step})
                yield from rows
        case Run.Resumed():
            for step in event.redone:
                yield Delete(METRICS, {"run": run, "step": step})
        case Run.Annotated():
            yield Delete(METRICS, {"run": run, "step": ""})
            yield from _rows(run, "", event.metadata)
        case Run.StepAnnotated():
            yield Delete(METRICS, {"run": run, "step": event.step})
            yield from _rows(run, event.step, event.metadata)
        case Run.Deleted():
            yield Delete(METRICS, {"run": run})


def _rows(run: str, step: str, metadata: Mapping[str, Any]) -> Iterator[Insert]:
    for name, value in numbers(metadata):
        row = MetricRow(run, step, name, Real(value), 0)
        yield Insert(METRICS, {**row._asdict(), "position": Lookup(RUNS, "position", run)})


METRIC_TABLES = TableProjection(tables=(METRICS,), apply=apply)
