"""The page of a model: what its aliases stand for, as it is or as it was at any position."""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.models.views import (
    ModelVersionView,
    ModelView,
    Promotion,
    VerdictView,
)
from stackfold.application.runs.run_columns import usual_names
from stackfold.domain.errors import NotFound
from stackfold.domain.models.alias import STAGES
from stackfold.web.drawing.chart import Point, draw_chart
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.runs import number_text
from stackfold.web.pages.sliders import Slider, slider
from stackfold.web.pages.visit import Frame, Visit

MOST_VERSIONS = 40
MOST_ENTRIES = 40
MOST_TICKS = 100
"""The most changes that the slider has ticks for; it begins at the oldest of them."""
MOST_LATER = 12
MOST_ALIASES = 40
MOST_METRICS = 5
MOST_CHARTS = 2
MOST_OF_ALIAS = 3
"""The most metrics that are shown beside an alias."""


class AliasRow(NamedTuple):
    """An alias, the version that it stands for, and its gate."""

    alias: str
    version: ModelVersionView | None
    """None if it stands for none."""
    metrics: tuple[str, ...]
    """Some of its metrics, such as "auc=0.91"; those of gates first."""
    promotion: Promotion | None
    gate: str
    """Empty for none."""


class MetricChart(NamedTuple):
    """A metric of the shown versions."""

    metric: str
    svg: Markup


class VersionRow(NamedTuple):
    """A version in the table."""

    version: ModelVersionView
    metrics: tuple[str, ...]
    """The text of each column; empty where it has none."""


class Entry(NamedTuple):
    """A change, and what a gate found."""

    entry: HistoryEntry
    verdict: VerdictView | None

    @property
    def when(self) -> str:
        """When the change was recorded."""
        return self.entry.when


class Model(NamedTuple):
    """The content of the page."""

    frame: Frame
    name: str
    """The model's name at the position; its last one if it did not exist then."""
    name_now: str
    quoted: str
    """Its name now, as an argument of a command."""
    model: ModelView | None
    """None if it did not exist at the position."""
    deleted: bool
    """Whether it does not exist now."""
    slider: Slider
    differences: tuple[Change, ...]
    """What differs now, field by field; empty on the page of now."""
    aliases: tuple[AliasRow, ...]
    more_aliases: int
    charts: tuple[MetricChart, ...]
    columns: tuple[str, ...]
    """The metrics that most of the versions have."""
    versions: tuple[VersionRow, ...]
    """Newest first."""
    all: bool
    """Whether versions that are open or abandoned are shown too."""
    older: int | None
    """The number before which further versions are; None if there are none."""
    entries: tuple[Entry, ...]
    """The changes up to the position, newest first."""
    more: int | None
    """The last position of earlier changes that are not shown; None if there are none."""
    later: tuple[HistoryEntry, ...]
    """The changes after the position, newest first."""
    more_later: int


def model(visit: Visit) -> Model:
    """Read the page of a model.

    Raises:
        NotFound: There never was such a model.
        Ambiguous: The name is the beginning of the names of several.
        Invalid: The number of a version is no number.
    """
    id = _id_of(visit)
    models = visit.workspace.models
    now = _at(visit, id, None)
    view = now if visit.as_of is None else _at(visit, id, visit.until)
    marked = models.history(id, MOST_TICKS)
    entries = [each for each in marked if visit.as_of is None or each.position <= visit.as_of]
    if len(entries) <= MOST_ENTRIES and len(marked) == MOST_TICKS:
        entries = [*models.history(id, MOST_ENTRIES + 1, as_of=visit.until)]
    later = [each for each in marked if visit.as_of and each.position > visit.as_of]
    shown = view or now
    name = shown.name if shown else marked[0].name
    quoted = shlex.quote(name)
    frame = visit.frame(f"Model {name}")
    frame = frame._replace(
        commands=(
            f"stackfold model describe {quoted}{frame.at}",
            f"stackfold model version list {quoted}{frame.at}",
            f"stackfold model history {quoted}",
        )
    )
    everything = visit.query.get("all") == "1"
    below = visit.query.get("below", "")
    versions: Sequence[ModelVersionView] = []
    if view:
        versions = models.versions(
            id,
            all=everything,
            as_of=visit.until,
            below=whole_number("below", below) if below else None,
            limit=MOST_VERSIONS + 1,
        )
    older = versions[MOST_VERSIONS - 1].number if len(versions) > MOST_VERSIONS else None
    versions = versions[:MOST_VERSIONS]
    gated = _gated(view)
    names = usual_names(each.metrics for each in versions)
    columns = sorted(names, key=lambda name: name not in gated)[:MOST_METRICS]
    verdicts = (
        {each.position: each for each in models.verdicts(id, as_of=visit.until)} if view else {}
    )
    aliases = _aliases(visit, view, versions) if view else ()
    return Model(
        frame=frame,
        name=name,
        name_now=now.name if now else name,
        quoted=shlex.quote(now.name if now else name),
        model=view,
        deleted=now is None,
        slider=slider("model", id, marked, visit.as_of, frame.head),
        differences=tuple(models.diff(id, as_of=(visit.until, None))) if visit.as_of else (),
        aliases=aliases[:MOST_ALIASES],
        more_aliases=max(0, len(aliases) - MOST_ALIASES),
        charts=_charts(frame, name, versions, columns),
        columns=tuple(columns),
        versions=tuple(_row(each, columns) for each in versions),
        all=everything,
        older=older,
        entries=tuple(Entry(each, verdicts.get(each.position)) for each in entries[:MOST_ENTRIES]),
        more=entries[MOST_ENTRIES].position if len(entries) > MOST_ENTRIES else None,
        later=tuple(later[:MOST_LATER]),
        more_later=max(0, len(later) - MOST_LATER),
    )


def _id_of(visit: Visit) -> str:
    """The id of the model with a name at the position, else now, else of a deleted one."""
    models = visit.workspace.models
    name = visit.query.get("id") or visit.names["name"]
    for at in dict.fromkeys((visit.until, None)):
        try:
            return models.get(name, at).id
        except NotFound:
            continue
    return models.history(name, 1)[0].id


def _at(visit: Visit, id: str, position: str | None) -> ModelView | None:
    try:
        return visit.workspace.models.get(id, position)
    except NotFound:
        return None


def _aliases(
    visit: Visit, model: ModelView, shown: Sequence[ModelVersionView]
) -> tuple[AliasRow, ...]:
    """The aliases of a model, stages first, and those that only have a gate."""
    described = visit.workspace.models.describe(model.id, visit.until)
    promotions = {each.alias: each for each in described.promotions}
    numbers = {*model.aliases.values()}
    versions = {each.number: each for each in shown if each.number in numbers}
    if missing := numbers - {*versions}:
        found = visit.workspace.models.versions(
            model.id, all=True, as_of=visit.until, numbers=sorted(missing)
        )
        versions |= {each.number: each for each in found}
    gates: Mapping[str, str] = model.gates
    gated = _gated(model)
    names = dict.fromkeys([STAGES[-1], *model.aliases, *gates])
    return tuple(
        AliasRow(
            alias,
            version := versions.get(model.aliases.get(alias, 0)),
            _measured(version, gated) if version else (),
            promotions.get(alias),
            gates.get(alias, ""),
        )
        for alias in names
    )


def _gated(model: ModelView | None) -> set[str]:
    """The names in the gates of a model, some of which are metrics."""
    return {*" ".join(model.gates.values()).split()} if model else set()


def _measured(version: ModelVersionView, gated: set[str]) -> tuple[str, ...]:
    names = sorted(version.metrics, key=lambda name: name not in gated)[:MOST_OF_ALIAS]
    return tuple(f"{name}={number_text(version.metrics[name])}" for name in names)


def _charts(
    frame: Frame, model: str, versions: Sequence[ModelVersionView], columns: Sequence[str]
) -> tuple[MetricChart, ...]:
    """The courses of the first metrics that vary, over the versions."""
    charts = []
    for metric in columns:
        points = [
            Point(
                each.number,
                each.metrics[metric],
                f"@{each.number}" + "".join(f" {alias}" for alias in each.aliases),
                frame.url(f"/models/{model}/versions/{each.number}"),
                bool(each.aliases),
            )
            for each in versions
            if metric in each.metrics
        ]
        if len({point.value for point in points}) > 1:
            label = f"{metric} of {len(points)} versions of {model}"
            svg = draw_chart(points, label=label, width=560, height=150)
            drawn = Markup(svg)  # noqa: S704  # whatever users wrote is escaped in it
            charts.append(MetricChart(metric, drawn))
    return tuple(charts[:MOST_CHARTS])


def _row(version: ModelVersionView, columns: Sequence[str]) -> VersionRow:
    texts = (version.metrics.get(name) for name in columns)
    return VersionRow(version, tuple("" if each is None else number_text(each) for each in texts))
