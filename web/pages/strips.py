"""Strips: the last runs of a stack, with marks where the stack changed."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.runs.run_views import RunView
from stackfold.web.drawing.strip import Cell, Mark, draw_strip
from stackfold.web.pages.visit import Frame, Visit
from stackfold.web.pages.words import deed, noun, person, short

LENGTH = 28
"""The most runs of a strip."""


class StripRun(NamedTuple):
    """A run in a strip."""

    name: str
    pipeline: str
    status: str
    """Its status at the position of the page."""
    started: str
    by: str
    id: str


class Slot(NamedTuple):
    """A place in a strip: the changes before a run, and the run."""

    changes: tuple[HistoryEntry, ...]
    run: StripRun | None
    """None in the last slot, for changes after the last run."""


class Trouble(NamedTuple):
    """Why a stack needs attention: its latest runs failed."""

    since: StripRun
    """The first failed run after the last completed one."""
    good: StripRun | None
    """The last completed run, if it is in the strip."""
    changes: tuple[HistoryEntry, ...]
    """What changed between the two, newest first."""


def runs_of(visit: Visit, stack: str, size: int) -> list[StripRun]:
    """The last runs of the stack with an id up to the position of a page, oldest first."""
    wanted = Listing(
        where=(Condition("stack_id", "equals", stack),),
        until=visit.until,
        sort_by="position",
        descending=True,
        size=size,
    )
    return [strip_run(run, visit) for run in reversed(visit.workspace.runs.list(wanted))]


def strip_run(run: RunView, visit: Visit) -> StripRun:
    """A run, with the status that it had at the position of a page."""
    return StripRun(run.name, run.pipeline, status_of(run, visit), run.started, run.by, run.id)


def status_of(run: RunView, visit: Visit) -> str:
    """The status of a run at the position of a page: a run that ended later was still running."""
    later = visit.as_of_time and run.ended and run.ended > visit.as_of_time
    return "running" if later else run.status


def slots(runs: Sequence[StripRun], changes: Sequence[HistoryEntry]) -> tuple[Slot, ...]:
    """The slots of a strip.

    Args:
        runs: The runs, oldest first.
        changes: The changes of the stack, in any order; those before the first run are omitted.
    """
    found = []
    before = runs[0].started if runs else ""
    for run in runs:
        between = tuple(each for each in changes if before < each.when <= run.started)
        found.append(Slot(between, run))
        before = run.started
    after = tuple(each for each in changes if each.when > before)
    return (*found, Slot(after, None)) if runs and after else tuple(found)


def trouble(strip: Sequence[Slot]) -> Trouble | None:
    """Since when the runs of a strip fail, and what changed since the last completed one."""
    runs = [(slot.run, slot.changes) for slot in strip if slot.run]
    if not runs or runs[-1][0].status != "failed":
        return None
    statuses = [run.status for run, _ in runs]
    good = max((at for at, status in enumerate(statuses) if status == "completed"), default=-1)
    first = statuses.index("failed", good + 1)
    changes = [change for _, changes in runs[good + 1 : first + 1] for change in changes]
    changes.sort(key=lambda change: -change.position)
    last_good = runs[good][0] if good >= 0 else None
    return Trouble(runs[first][0], last_good, tuple(changes) if last_good else ())


def drawn(strip: Sequence[Slot], stack: str, frame: Frame) -> Markup:
    """A strip as SVG: each run is a link to its page, each mark to the stack as it became.

    Args:
        strip: The slots.
        stack: The name of the stack.
        frame: That of the page.
    """
    runs = [slot.run for slot in strip if slot.run]
    cells = [
        Cell(
            f"{run.name} · {run.status} · {person(run.by)} · {frame.when(run.started)}",
            run.status,
            frame.url(f"/runs/{run.name}"),
        )
        for run in runs
    ]
    marks = [
        Mark(at, sentence(each), frame.url(f"/stacks/{stack}", as_of=each.position))
        for at, slot in enumerate(strip)
        for each in slot.changes
    ]
    label = f"The last runs on {stack}, oldest first"
    # Whatever users wrote is escaped in it.
    return Markup(draw_strip(cells, marks, label=label, slots=LENGTH))  # noqa: S704


def sentence(entry: HistoryEntry) -> str:
    """What an entry changed, in one line."""
    changes = "".join(
        f", {each.field}: {short(each.before, 30)} → {short(each.after, 30)}"
        for each in entry.changes[:3]
    )
    why = f" (“{short(entry.why, 100)}”)" if entry.why else ""
    return (
        f"#{entry.position} {person(entry.by)} {deed(entry.action)} {noun(entry.kind)} "
        f"{entry.name}{changes}{why}"
    )
