"""A run: its state, why it failed, its steps over time, and one step in detail."""

from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.runs.metrics import Metric
from stackfold.application.runs.run_views import RunDescription, StepView
from stackfold.domain.errors import NotFound
from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.web.drawing.steps import draw_steps, duration, took
from stackfold.web.pages.run_trouble import RunTrouble, run_trouble
from stackfold.web.pages.step_panel import StepPanel, step_panel
from stackfold.web.pages.values import Facts, facts
from stackfold.web.pages.visit import Frame, Moved, Visit

MOST_STEPS = 250
MOST_METRICS = 60


class Bar(NamedTuple):
    """A step in the table, with its bar over the time of the run."""

    step: StepView
    left: str
    """Where its bar begins, in percent of the time of the run; empty if it did not begin."""
    width: str
    """In percent of the time of the run."""
    took: str
    """How long it took, or how long it is running; empty if it was not executed."""


class PinnedComponent(NamedTuple):
    """A component as the run used it."""

    type: str
    name: str
    revision: int
    configuration: Facts


class RunFacts(NamedTuple):
    """What a run was started with, and the numbers that came of it."""

    parameters: Facts
    metadata: Facts
    metrics: tuple[Metric, ...]
    more_metrics: int
    pinned: tuple[PinnedComponent, ...]
    python: str
    packages: int
    rerun_of: str
    """The id of the run that it repeats; empty if it is no rerun."""


class RunPage(NamedTuple):
    """The content of the page."""

    frame: Frame
    run: RunDescription
    """As it was at the position of the page."""
    until: str
    """When it ended, or the time that the page shows the state at."""
    trouble: RunTrouble | None
    graph: Markup
    bars: tuple[Bar, ...]
    more_steps: int
    """How many steps are neither drawn nor listed."""
    done: int
    """How many steps have their outputs."""
    panel: StepPanel | None
    """The chosen step; None for none."""
    facts: RunFacts
    live: bool
    """Whether the page follows the run."""


def run(visit: Visit) -> RunPage | Moved:
    """Read the page of a run, or return its own address for a reference such as "latest".

    Raises:
        NotFound: There is no such run, or it has no such step.
        Ambiguous: The reference is a prefix of several runs.
    """
    reference = visit.names["name"]
    found = visit.workspace.runs.get(reference)
    if found.name != reference:
        return Moved(f"/runs/{found.name}")
    described = run_at(visit.workspace.runs.describe(found.id), visit)
    return run_page(visit, described, _chosen(described, visit.query.get("step", "")))


def run_page(visit: Visit, described: RunDescription, chosen: StepView | None) -> RunPage:
    """Read the page of a run, with a step in detail."""
    workspace, name = visit.workspace, described.name
    live = described.status == "running" and visit.as_of is None
    follow = " --follow" if live else ""
    frame = visit.frame(
        name,
        f"stackfold run describe {name}{' --why' if chosen else ''}",
        f"stackfold run logs {name}{f' {chosen.name}' if chosen else ''}{follow}",
    )
    listed = described.steps[:MOST_STEPS]
    until = described.ended or visit.as_of_time or visit.now
    drawn = draw_steps(
        listed,
        f"Steps of {name}",
        lambda step: frame.url(f"/runs/{name}", step=step),
        chosen.name if chosen else None,
    )
    return RunPage(
        frame=frame,
        run=described,
        until=until,
        trouble=run_trouble(workspace, described),
        graph=Markup(drawn),  # noqa: S704 - the drawing escapes what users wrote
        bars=bars(listed, described.started, until),
        more_steps=max(0, len(described.steps) - MOST_STEPS),
        done=sum(step.status in {"completed", "cached"} for step in described.steps),
        panel=step_panel(workspace, described, chosen) if chosen else None,
        facts=run_facts(visit, described),
        live=live,
    )


def run_at(run: RunDescription, visit: Visit) -> RunDescription:
    """A run as it was at the position of a page: what ended later was still running.

    Raises:
        NotFound: It started later.
    """
    time = visit.as_of_time
    if visit.as_of is None or time is None:
        return run
    if run.position > visit.as_of:
        hint = f"it started at #{run.position}, after the position of the page"
        raise NotFound("run", run.name, hint)
    steps = [_step_at(step, time) for step in run.steps]
    if run.ended is None or run.ended <= time:
        return run._replace(steps=steps)
    return run._replace(status="running", ended=None, error="", steps=steps)


def _step_at(step: StepView, time: str) -> StepView:
    if step.ended is None or step.ended <= time:
        return step
    began = step.started is not None and step.started <= time
    return step._replace(
        status="running" if began else "pending", started=step.started if began else None,
        ended=None, error="", traceback="", outputs=[], retried=[], log=None, key="",
        cached_from=None, metadata={}, inputs={}, parameters={},
    )  # fmt: skip


def _chosen(run: RunDescription, name: str) -> StepView | None:
    """The step with a name; without a name the first that failed or is running, if one is."""
    if not name:
        steps = (
            step for status in ("failed", "running") for step in run.steps if step.status == status
        )
        return next(steps, None)
    for step in run.steps:
        if step.name == name:
            return step
    raise NotFound("step", name, f"choose one on the page of run {run.name!r}")


def bars(steps: list[StepView], started: str, ended: str) -> tuple[Bar, ...]:
    """The steps with their bars over the time between two times."""
    begin, end = from_rfc3339(started), from_rfc3339(ended)
    whole = max((end - begin).total_seconds(), 1e-6)
    return tuple(_bar(step, begin, end, whole) for step in steps)


def _bar(step: StepView, begin: datetime, end: datetime, whole: float) -> Bar:
    if not step.started:
        return Bar(step, "", "", "")
    left = (from_rfc3339(step.started) - begin).total_seconds() / whole * 100
    # A cached step took no time: its end is that of a later record.
    upto = from_rfc3339(step.ended) if step.ended else end
    right = left if step.status == "cached" else (upto - begin).total_seconds() / whole * 100
    width = right - left
    left = min(max(left, 0.0), 99.0)
    lasted = took(step)
    if step.status == "running":
        lasted = duration(max(0.0, (end - from_rfc3339(step.started)).total_seconds()))
    return Bar(step, f"{left:.2f}", f"{min(max(width, 1.0), 100 - left):.2f}", lasted)


def run_facts(visit: Visit, run: RunDescription) -> RunFacts:
    """What a run was started with, and its metrics."""
    metrics = visit.workspace.runs.metrics_of([run.id])[run.id]
    shown = {step.name for step in run.steps if step.metadata} | {""}
    metrics = [each for each in metrics if each.step in shown]
    return RunFacts(
        parameters=facts(run.parameters),
        metadata=facts(run.metadata),
        metrics=tuple(metrics[:MOST_METRICS]),
        more_metrics=max(0, len(metrics) - MOST_METRICS),
        pinned=tuple(
            PinnedComponent(
                type,
                each["name"],
                each["revision"],
                facts({k: v for k, v in each["configuration"].items() if v is not None}),
            )
            for type, group in run.pin["components"].items()
            for each in group
        ),
        python=str(run.environment.get("python", "")),
        packages=len(run.environment.get("packages", ())),
        rerun_of=run.rerun_of or "",
    )
