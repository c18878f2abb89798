"""Compare versions of a model: their metrics side by side, and what they were made of."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from stackfold.application.models.views import ModelVersionView, VersionComparison
from stackfold.web.pages.compare import (
    MOST_FIELDS,
    Comparison,
    MetricRow,
    Row,
    Table,
    compared,
    metric_row,
)
from stackfold.web.pages.runs import names_in
from stackfold.web.pages.values import shown_value
from stackfold.web.pages.visit import Frame, Visit

_ON_CARDS = {"number", "run", "status", "aliases", "pipeline", "stack", "tags"}
"""Fields that each version shows above the tables."""


class ModelCompare(NamedTuple):
    """The content of the page."""

    frame: Frame
    model: str
    versions: tuple[ModelVersionView, ...]
    """Empty if less than two were chosen."""
    names: tuple[str, ...]
    """What the columns are called, such as "@3"."""
    metrics: tuple[MetricRow, ...]
    more_metrics: int
    fields: Table
    """What else differs."""
    runs: Comparison | None
    """How the runs differ that made them; None if one of them was deleted."""


def model_compare(visit: Visit) -> ModelCompare:
    """Compare the versions of the address, in its order.

    Raises:
        Invalid: There are too many.
        NotFound: There is no such model or version, or there was none at the position.
    """
    models = visit.workspace.models
    model = models.get(visit.names["name"], visit.until)
    wanted = list(dict.fromkeys(names_in(visit.query.get("versions", ""))))
    quoted = shlex.quote(model.name)
    if len(wanted) < 2:
        frame = visit.frame("Compare", f"stackfold model version compare {quoted} VERSION OTHER")
        return ModelCompare(frame, model.name, (), (), (), 0, Table("", (), 0), None)
    found = models.compare(model.id, wanted, as_of=visit.until)
    numbers = next(each.values for each in found if each.field == "number")
    by_number = {
        each.number: each
        for each in models.versions(model.id, all=True, as_of=visit.until, numbers=[*numbers])
    }
    versions = tuple(by_number[number] for number in numbers)
    names = tuple(f"@{number}" for number in numbers)
    metrics = _metrics(versions)
    runs = [each.run for each in versions]
    all_exist = all(each.pipeline for each in versions) and len({*runs}) == len(runs)
    compared_runs = compared(visit, runs) if all_exist else None
    # The outputs are among what their runs differ in.
    shown = [each for each in found if compared_runs is None or each.field != "artifacts"]
    rows = [_row(each) for each in shown if _differs(each, versions)]
    frame = visit.frame(f"Compare versions of {model.name}")
    given = " ".join(str(number) for number in numbers)
    return ModelCompare(
        frame=frame._replace(
            commands=(f"stackfold model version compare {quoted} {given}{frame.at}",)
        ),
        model=model.name,
        versions=versions,
        names=names,
        metrics=tuple(metrics[:MOST_FIELDS]),
        more_metrics=max(0, len(metrics) - MOST_FIELDS),
        fields=Table("Made of", tuple(rows[:MOST_FIELDS]), max(0, len(rows) - MOST_FIELDS)),
        runs=compared_runs,
    )


def _metrics(versions: Sequence[ModelVersionView]) -> list[MetricRow]:
    names = dict.fromkeys(name for each in versions for name in each.metrics)
    return [metric_row(name, [each.metrics.get(name) for each in versions]) for name in names]


def _differs(field: VersionComparison, versions: Sequence[ModelVersionView]) -> bool:
    is_metric = any(field.field in each.metrics for each in versions)
    same = all(value == field.values[0] for value in field.values)
    return not is_metric and not same and field.field not in _ON_CARDS


def _row(field: VersionComparison) -> Row:
    first = field.values[0]
    return Row(
        field.field,
        tuple("—" if value is None else shown_value(value) for value in field.values),
        tuple(value == first for value in field.values),
    )
