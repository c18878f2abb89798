"""Compare runs: what may be the cause of a difference first, then what came of it."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.history.views import HistoryEntry
from stackfold.application.runs.run_diffs import ComparedField, RunComparison
from stackfold.application.runs.run_views import RunDescription, RunView
from stackfold.domain.errors import NotFound
from stackfold.web.drawing.chart import Point, draw_chart
from stackfold.web.pages.compared_graph import GraphOfTwo, graph_of_two
from stackfold.web.pages.runs import names_in, number_text
from stackfold.web.pages.strips import status_of
from stackfold.web.pages.values import shown_value
from stackfold.web.pages.visit import Frame, Visit

MOST_FIELDS = 60
MOST_CHANGES = 30
MOST_CHARTS = 4
_LENGTH = 60
"""The most runs of a chart."""
_DIGEST = 64
_TITLES = {
    "stack": "Stack",
    "flavor": "Flavors",
    "configuration": "Configuration",
    "parameters": "Parameters",
    "code": "Code",
    "packages": "Packages",
    "python": "Python",
    "outcome": "Outcome",
    "metadata": "Metadata",
    "tags": "Tags",
}


class Card(NamedTuple):
    """A run."""

    run: RunView
    status: str
    """Its status at the position of the page."""
    why: str
    error: str
    until: str


class Row(NamedTuple):
    """A field in which the runs differ."""

    field: str
    texts: tuple[str, ...]
    """A value for each run; "—" for none."""
    same: tuple[bool, ...]
    """Whether a value is that of the first run."""


class Table(NamedTuple):
    """The fields of a subject."""

    title: str
    rows: tuple[Row, ...]
    more: int


class Measured(NamedTuple):
    """A metric of a run."""

    text: str
    difference: str
    """To the first run, with its sign; empty for the first and for missing values."""


class MetricRow(NamedTuple):
    """A metric in which the runs differ."""

    name: str
    values: tuple[Measured, ...]


class MetricChart(NamedTuple):
    """The course of a metric over the runs of the pipeline, in which the runs are marked."""

    metric: str
    svg: Markup


class Downstream(NamedTuple):
    """The inputs and outputs that differ."""

    number: int
    first: str
    """The first output that differs; empty if none does."""
    rows: tuple[Row, ...]
    more: int


class Comparison(NamedTuple):
    """How the runs differ."""

    cards: tuple[Card, ...]
    changes: tuple[HistoryEntry, ...]
    more_changes: int
    causes: tuple[Table, ...]
    outcome: tuple[Table, ...]
    metrics: tuple[MetricRow, ...]
    more_metrics: int
    charts: tuple[MetricChart, ...]
    downstream: Downstream | None
    graph: GraphOfTwo | None
    """Of two runs; None for more."""


class Compare(NamedTuple):
    """The content of the page."""

    frame: Frame
    comparison: Comparison | None
    """None if less than two runs were chosen."""


def compare(visit: Visit) -> Compare:
    """Compare the runs of the address.

    Raises:
        Invalid: There are too many.
        NotFound: There is no such run, or it started after the position of the page.
        Ambiguous: A reference is a prefix of several runs.
    """
    references = list(dict.fromkeys(names_in(visit.query.get("runs", ""))))
    if len(references) < 2:
        return Compare(visit.frame("Compare", "stackfold run compare RUN OTHER"), None)
    found = compared(visit, references)
    names = " ".join(shlex.quote(card.run.name) for card in found.cards)
    verb = "diff" if len(found.cards) == 2 else "compare"
    return Compare(visit.frame("Compare", f"stackfold run {verb} {names}"), found)


def compared(visit: Visit, references: Sequence[str]) -> Comparison:
    """Compare runs; raises as `compare`.

    Args:
        visit: The visit of the page.
        references: The runs.
    """
    found = visit.workspace.runs.compare(references)
    for run in found.runs:
        if visit.as_of_time and run.started > visit.as_of_time:
            raise NotFound("run", run.name, "it started after the position of the page")
    frame = visit.frame("")
    described = [visit.workspace.runs.describe(run.id) for run in found.runs]
    metrics = found.of("metrics")
    return Comparison(
        cards=tuple(map(_card, found.runs, described, [visit] * len(described))),
        changes=tuple(found.changes[:MOST_CHANGES]),
        more_changes=max(0, len(found.changes) - MOST_CHANGES),
        causes=_tables(found.causes(), found),
        outcome=_tables(found.of("outcome", "metadata", "tags"), found),
        metrics=tuple(map(_metric, metrics[:MOST_FIELDS])),
        more_metrics=max(0, len(metrics) - MOST_FIELDS),
        charts=_charts(visit, frame, found, metrics),
        downstream=_downstream(found),
        graph=graph_of_two(frame, *described) if len(described) == 2 else None,
    )


def _card(run: RunView, described: RunDescription, visit: Visit) -> Card:
    status = status_of(run, visit)
    ended = run.ended if run.ended and status != "running" else visit.as_of_time or visit.now
    error = described.error if status == described.status else ""
    return Card(run, status, described.why, error, ended)


def _tables(fields: Sequence[ComparedField], comparison: RunComparison) -> tuple[Table, ...]:
    """The fields in a table for each subject."""
    grouped: dict[str, list[Row]] = {}
    for each in fields:
        grouped.setdefault(each.about, []).append(_row(each, comparison))
    return tuple(
        Table(_TITLES[about], tuple(rows[:MOST_FIELDS]), max(0, len(rows) - MOST_FIELDS))
        for about, rows in grouped.items()
    )


def _row(compared: ComparedField, comparison: RunComparison) -> Row:
    first = compared.values[0]
    return Row(
        compared.field,
        tuple(_text(value, comparison) for value in compared.values),
        tuple(value == first for value in compared.values),
    )


def _text(value: object, comparison: RunComparison) -> str:
    """A value as text; a digest is cut, or replaced by the small value that it stands for."""
    known = comparison.shown(value)
    if known is not value:
        return shown_value(known) or '""'
    if value is None:
        return "—"
    text = shown_value(value)
    is_digest = len(text) == _DIGEST and text.isalnum()
    return f"{text[:8]}…" if is_digest else text


def _metric(compared: ComparedField) -> MetricRow:
    return metric_row(compared.field, compared.values)


def _difference(first: float, value: float) -> str:
    return "=" if value == first else f"{value - first:+.4g}"


def metric_row(name: str, values: Sequence[float | None]) -> MetricRow:
    """The row of a metric.

    Args:
        name: Its name.
        values: Its value in each run; None for none.
    """
    first = values[0]
    return MetricRow(
        name,
        tuple(
            Measured(
                "—" if value is None else number_text(value),
                "" if not at or first is None or value is None else _difference(first, value),
            )
            for at, value in enumerate(values)
        ),
    )


def _downstream(comparison: RunComparison) -> Downstream | None:
    fields = comparison.of("outputs", "inputs")
    if not fields:
        return None
    outputs = [each.field for each in fields if each.about == "outputs"]
    rows = tuple(
        Row(f"{each.about[:-1]} {row.field}", row.texts, row.same)
        for each in fields[:MOST_FIELDS]
        for row in [_row(each, comparison)]
    )
    first = outputs[0] if outputs else ""
    return Downstream(len(fields), first, rows, max(0, len(fields) - MOST_FIELDS))


def _charts(
    visit: Visit, frame: Frame, comparison: RunComparison, metrics: Sequence[ComparedField]
) -> tuple[MetricChart, ...]:
    """The courses of the first metrics that differ, if the runs are of one pipeline."""
    pipelines = {run.pipeline for run in comparison.runs}
    if len(pipelines) > 1:
        return ()
    (pipeline,) = pipelines
    compared = {run.id for run in comparison.runs}
    charts = []
    for metric in metrics[:MOST_CHARTS]:
        step, _, rest = metric.field.partition(".")
        name = rest or step
        found = visit.workspace.runs.course(name, pipeline=pipeline, limit=2 * _LENGTH)
        shown = [
            each
            for each in found
            if (not rest or each.step == step) and each.position <= (visit.as_of or frame.head)
        ][:_LENGTH]
        points = [
            Point(
                at,
                each.value,
                each.run_name,
                frame.url(f"/runs/{each.run_name}"),
                each.run in compared,
            )
            for at, each in enumerate(reversed(shown))
        ]
        if len(points) > 1 and any(point.focused for point in points):
            label = f"{metric.field} of the last {len(points)} runs of {pipeline}"
            svg = draw_chart(points, label=label, width=560, height=150)
            drawn = Markup(svg)  # noqa: S704  # whatever users wrote is escaped in it
            charts.append(MetricChart(metric.field, drawn))
    return tuple(charts)
