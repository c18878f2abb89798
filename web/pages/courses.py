"""The courses of metrics over the runs of a stack, with the stack's changes as lines."""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.history.views import HistoryEntry
from stackfold.web.drawing.chart import Change, Point, draw_chart
from stackfold.web.pages.strips import StripRun, sentence
from stackfold.web.pages.visit import Frame, Visit
from stackfold.web.pages.words import person

MOST = 4
LENGTH = 40
"""The most runs of a course."""
_LARGE, _SMALL = (560.0, 150.0), (344.0, 120.0)


class Course(NamedTuple):
    """The values of a metric of a pipeline."""

    metric: str
    """The step and the name, such as "evaluate.auc"."""
    pipeline: str
    svg: Markup
    """Its picture."""
    last: float
    difference: float | None
    """To the value before; None if there is none."""


def courses(
    visit: Visit,
    frame: Frame,
    runs: Sequence[StripRun],
    changes: Sequence[HistoryEntry],
    *,
    small: bool = False,
) -> tuple[Course, ...]:
    """The courses of the metrics that most of the last runs have, those that vary first.

    Args:
        visit: The visit of the page.
        frame: The frame of the page.
        runs: The runs of a stack, oldest first.
        changes: Its changes, in any order.
        small: Whether two pictures are beside each other.
    """
    runs = runs[-LENGTH:]
    found: dict[tuple[str, str], list[tuple[StripRun, float]]] = {}
    metrics = visit.workspace.runs.metrics_of([run.id for run in runs])
    for run in runs:
        for step, name, value in metrics[run.id]:
            metric = f"{step}.{name}" if step else name
            found.setdefault((run.pipeline, metric), []).append((run, value))
    several = [key for key, values in found.items() if len(values) > 1]
    several.sort(key=lambda key: (len({value for _, value in found[key]}) == 1, -len(found[key])))
    return tuple(
        _course(frame, *key, found[key], changes, _SMALL if small else _LARGE)
        for key in several[:MOST]
    )


def _course(
    frame: Frame,
    pipeline: str,
    metric: str,
    values: Sequence[tuple[StripRun, float]],
    changes: Sequence[HistoryEntry],
    size: tuple[float, float],
) -> Course:
    points = [
        Point(at, value, f"{run.name} by {person(run.by)}", frame.url(f"/runs/{run.name}"))
        for at, (run, value) in enumerate(values)
    ]
    lines = []
    for at in range(1, len(values)):
        begin, end = values[at - 1][0].started, values[at][0].started
        between = [each for each in changes if begin < each.when <= end]
        if between:
            said = "\n".join(map(sentence, sorted(between, key=lambda each: each.position)))
            lines.append(Change(at - 0.5, said, frame.url(frame.path, as_of=between[0].position)))
    last, before = values[-1][1], values[-2][1]
    label = f"{metric} of the last {len(values)} runs of {pipeline}"
    svg = draw_chart(points, lines, label=label, width=size[0], height=size[1])
    difference = last - before if isfinite(last) and isfinite(before) else None
    drawn = Markup(svg)  # noqa: S704  # whatever users wrote is escaped in it
    return Course(metric, pipeline, drawn, last, difference)
