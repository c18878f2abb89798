"""Prints runs as a list, with metrics and parameters as columns."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from stackfold.application.listing.listing import Listing
from stackfold.cli.render import Format, Shape, note, show_rows
from stackfold.cli.show import PAGE, Columns, more_rows, note_rest
from stackfold.cli.table import table
from stackfold.cli.times import took
from stackfold.infrastructure.workspace import Workspace

if TYPE_CHECKING:
    from stackfold.application.runs.run_columns import RunColumn

_COLUMNS = ("name", "pipeline", "status", "stack", "stack_revision", "started", "duration")
LATEST_RUNS = Listing(sort_by="started", descending=True, size=PAGE)


class RunExtras(NamedTuple):
    """What a list of runs is filtered by and shows besides the columns of runs."""

    where: str = ""
    metrics: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    """Of the pipeline, or as "step.name"."""


_NOTHING_ELSE = RunExtras()


def runs(
    output: str = Format.TABLE,
    listing: Listing = LATEST_RUNS,
    columns: Columns = None,
    also: RunExtras = _NOTHING_ELSE,
) -> None:
    """Print runs, the latest first."""
    from stackfold.application.runs.run_views import RunView

    with Workspace.open() as workspace:
        ask = partial(workspace.runs.list, where=also.where)
        views = ask(listing)
        more = more_rows(ask, listing, len(views))
        others = _run_columns(workspace, [view.id for view in views], also)
        unknown = _unknown_metrics(workspace, also.where) if also.where and not views else []
    shown = rounded if output == Format.TABLE else _as_it_is
    extra = tuple(each.name for each in others)
    shape = Shape(
        (*RunView._fields, *extra), (*_COLUMNS, *extra), ("name", "status", *extra), _COLUMNS[-1:]
    )
    records = [
        {**view._asdict(), **{each.name: shown(each.values.get(view.id)) for each in others}}
        for view in views
    ]
    show_rows([{**each, "duration": took(each)} for each in records], shape, output, columns)
    note_rest(listing, len(views), more, "run", bool(also.where))
    for metric in unknown:
        note(f"no run has a metric {metric!r}")


def _unknown_metrics(workspace: Workspace, where: str) -> list[str]:
    """The metrics in conditions that no run has."""
    from stackfold.application.runs.where import parse_where

    names = dict.fromkeys(each.name for each in parse_where(where) if each.subject == "metric")
    return [
        name
        for name in names
        if not any(
            workspace.runs.course(metric, limit=1) for metric in (name, name.partition(".")[2])
        )
    ]


def _run_columns(workspace: Workspace, ids: Sequence[str], also: RunExtras) -> "list[RunColumn]":
    if not also.metrics and not also.parameters:
        return []
    from stackfold.application.runs.run_columns import metric_columns, parameter_columns

    steps = {name.partition(".")[0] for name in also.parameters if "." in name}
    parameters = workspace.runs.parameters_of(ids, steps) if also.parameters else {}
    metrics = workspace.runs.metrics_of(ids) if also.metrics else {}
    return [
        *metric_columns(also.metrics, metrics),
        *parameter_columns(also.parameters, parameters),
    ]


def show_runs(records: "Sequence[dict[str, Any]]") -> None:
    """Print runs as a table."""
    rows = [{**each, "duration": took(each)} for each in records]
    sys.stdout.write(table(rows, _COLUMNS, ("name", "status"))[0])


def rounded(value: Any) -> Any:
    """A value with at most six digits if it is a float, as tables show it."""
    return f"{value:.6g}" if isinstance(value, float) else value


def _as_it_is(value: Any) -> Any:
    return value
