"""The runs as a table: with metrics and parameters as columns, filtered, sorted and paged."""

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.runs.run_columns import (
    RunColumn,
    metric_columns,
    parameter_columns,
    usual_names,
)
from stackfold.application.runs.run_views import RunView
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.strips import status_of
from stackfold.web.pages.values import shown_value
from stackfold.web.pages.visit import Frame, Visit

SIZE = 60
FILTERS = ("pipeline", "stack", "status", "by")
COLUMNS = ("name", "status", "pipeline", "stack", "started", "by")
"""The columns that the table can be sorted by, besides metrics."""
USUAL_METRICS, USUAL_PARAMETERS = 4, 3
"""How many columns the table has unless others are chosen."""
MOST_COLUMNS = 12
_LONGEST = 80
_MOST_NAMES = 30


class MeasuredColumn(NamedTuple):
    """A column with a metric or a parameter."""

    name: str
    """Its title, as conditions name it."""
    sort: str
    """What the table is sorted by when its title is chosen; empty for parameters."""
    texts: dict[str, str]
    """The id of the run → its value."""


class RunRow(NamedTuple):
    """A row of the table."""

    run: RunView
    status: str
    """Its status at the position of the page."""
    until: str
    """When it ended, or the time that the page shows the state at."""
    measured: tuple[str, ...]
    """Its metrics and parameters, in the order of the columns; empty where it has none."""


class Runs(NamedTuple):
    """The content of the page."""

    frame: Frame
    rows: tuple[RunRow, ...]
    filters: dict[str, str]
    """Field → text that must be equal; empty for any."""
    where: str
    """Conditions on metrics, parameters, metadata and tags."""
    chosen: dict[str, str]
    """"metric" and "param" → the names of the columns that were chosen, if any were."""
    columns: tuple[MeasuredColumn, ...]
    more_columns: int
    sort: str
    """The column, after "-" if the order is descending; empty for the newest first."""
    page: int
    more: bool
    """Whether there is another page."""

    @property
    def query(self) -> dict[str, str]:
        """The fields of the address besides order and page."""
        return {**self.filters, "where": self.where, **self.chosen}


def runs(visit: Visit) -> Runs:
    """Read a page of the table.

    Raises:
        InvalidListing: There is no column or metric to sort by.
        Invalid: The number of the page is no number, or the conditions are not of their form.
    """
    filters = {field: visit.query.get(field, "").strip() for field in FILTERS}
    where = visit.query.get("where", "").strip()
    chosen = {field: visit.query.get(field, "").strip() for field in ("metric", "param")}
    sort = visit.query.get("sort", "")
    page = whole_number("page", visit.query.get("page", "1"))
    wanted = Listing(
        where=tuple(Condition(field, "equals", text) for field, text in filters.items() if text),
        until=visit.until,
        sort_by=sort.removeprefix("-") or "position",
        descending=not sort or sort.startswith("-"),
        page=page,
        size=SIZE,
    )
    # One more row than the page has, unless it is not the first.
    found = [*visit.workspace.runs.list(wanted, where=where)]
    after = wanted._replace(page=page * SIZE + 1, size=1)
    more = len(found) == SIZE and bool(visit.workspace.runs.list(after, where=where))
    columns = _columns(visit, [run.id for run in found], chosen)
    shown = columns[:MOST_COLUMNS]
    options = {**filters, "where": where, "sort-by": _sort_option(sort)}
    written = "".join(
        f" --{field} {shlex.quote(text)}"
        for field, text in (*options.items(), *_chosen_options(chosen))
        if text
    )
    return Runs(
        frame=visit.frame("Runs", f"stackfold run list{written}"),
        rows=tuple(_row(run, visit, shown) for run in found),
        filters=filters,
        where=where,
        chosen=chosen,
        columns=tuple(shown),
        more_columns=max(0, len(columns) - MOST_COLUMNS),
        sort=sort,
        page=page,
        more=more,
    )


def names_in(text: str) -> list[str]:
    """The names in a field of the address, such as "auc, loss"."""
    return [name for each in text.split(",") if (name := each.strip())]


def _columns(visit: Visit, ids: list[str], chosen: dict[str, str]) -> list[MeasuredColumn]:
    """The columns that were chosen; else those that most of the shown runs have."""
    metrics = visit.workspace.runs.metrics_of(ids)
    wanted = names_in(chosen["metric"]) or usual_names(
        ((each.name for each in given) for given in metrics.values()), USUAL_METRICS
    )
    given = names_in(chosen["param"])
    steps = {name.partition(".")[0] for name in given if "." in name}
    parameters = visit.workspace.runs.parameters_of(ids, steps)
    given = given or _usual_parameters(parameters)
    return [
        *(_measured(column, column.name) for column in metric_columns(wanted, metrics)),
        *(_measured(column, "") for column in parameter_columns(given, parameters)),
    ]


def _usual_parameters(parameters: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The parameters that most of the runs have, those that vary first."""
    names = usual_names(parameters.values())
    values = {
        name: {shown_value(given[name]) for given in parameters.values() if name in given}
        for name in names[:_MOST_NAMES]
    }
    return sorted(values, key=lambda name: len(values[name]) < 2)[:USUAL_PARAMETERS]


def _measured(column: RunColumn, sort: str) -> MeasuredColumn:
    return MeasuredColumn(
        column.name, sort, {run: number_text(value) for run, value in column.values.items()}
    )


def number_text(value: object) -> str:
    """A metric or parameter as a short text."""
    return f"{value:.6g}" if isinstance(value, float) else shown_value(value)[:_LONGEST]


def _row(run: RunView, visit: Visit, columns: list[MeasuredColumn]) -> RunRow:
    reference = visit.as_of_time or visit.now
    status = status_of(run, visit)
    ended = run.ended if run.ended and status != "running" else reference
    return RunRow(run, status, ended, tuple(each.texts.get(run.id, "") for each in columns))


def _sort_option(sort: str) -> str:
    return f"desc:{sort[1:]}" if sort.startswith("-") else sort


def _chosen_options(chosen: dict[str, str]) -> list[tuple[str, str]]:
    return [(field, name) for field, text in chosen.items() for name in names_in(text)]
