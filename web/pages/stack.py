"""The page of a stack: as it is, or as it was at any position since it was registered."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import NotFound
from stackfold.web.pages.courses import Course, courses
from stackfold.web.pages.sliders import Slider, slider
from stackfold.web.pages.strips import StripRun, runs_of
from stackfold.web.pages.visit import Frame, Visit

MOST_RUNS = 200
"""The most runs that are shown between the changes."""
MOST_TICKS = 100
"""The most changes that the slider has ticks for; it begins at the oldest of them."""
MOST_ENTRIES = 25
MOST_LATER = 12
MOST_CELLS = 24
"""The most runs of a period that are shown one by one."""


class Period(NamedTuple):
    """A change, and the runs from then to the next one."""

    entry: HistoryEntry
    runs: tuple[StripRun, ...]
    """The last of them, oldest first."""
    total: int
    failed: int

    @property
    def when(self) -> str:
        """When the change was recorded."""
        return self.entry.when


class Stack(NamedTuple):
    """The content of the page."""

    frame: Frame
    name: str
    """The stack's name at the position; its last one if it did not exist then."""
    name_now: str
    quoted: str
    """Its name now, as an argument of a command."""
    stack: StackView | None
    """None if it did not exist at the position."""
    components: tuple[ComponentView, ...]
    deleted: bool
    """Whether it does not exist now."""
    slider: Slider
    differences: tuple[Change, ...]
    """What differs now, field by field; empty on the page of now."""
    courses: tuple[Course, ...]
    periods: tuple[Period, ...]
    """The changes up to the position, newest first."""
    more: int | None
    """The last position of earlier changes that are not shown; None if there are none."""
    later: tuple[HistoryEntry, ...]
    """The changes after the position, newest first."""
    more_later: int
    runs_since: str
    """When the first run started that is counted; empty if all are."""


def stack(visit: Visit) -> Stack:
    """Read the page of a stack.

    Raises:
        NotFound: There never was such a stack.
        Ambiguous: The name is the beginning of the names of several.
    """
    id = _id_of(visit)
    stacks = visit.workspace.stacks
    now, view = _at(visit, id, None), _at(visit, id, visit.until)
    marked = stacks.history(id, MOST_TICKS)
    entries = _upto(marked, visit.as_of)
    if len(entries) <= MOST_ENTRIES and len(marked) == MOST_TICKS:
        entries = [*stacks.history(id, MOST_ENTRIES + 1, as_of=visit.until)]
    later = [each for each in marked if visit.as_of and each.position > visit.as_of]
    runs = runs_of(visit, id, MOST_RUNS)
    shown = view or now
    name = shown.name if shown else marked[0].name
    more = entries[MOST_ENTRIES].position if len(entries) > MOST_ENTRIES else None
    at = f" --as-of '{visit.until}'" if visit.until else ""
    frame = visit.frame(
        f"Stack {name}",
        f"stackfold stack describe {shlex.quote(name)}{at}",
        f"stackfold stack history {shlex.quote(name)}",
    )
    return Stack(
        frame=frame,
        name=name,
        name_now=now.name if now else name,
        quoted=shlex.quote(now.name if now else name),
        stack=view,
        components=tuple(stacks.components(id, visit.until)) if view else (),
        deleted=now is None,
        slider=slider("stack", id, marked, visit.as_of, frame.head),
        differences=tuple(stacks.diff(id, as_of=(visit.until, None))) if visit.as_of else (),
        courses=courses(visit, frame, runs, entries),
        periods=_periods(entries[:MOST_ENTRIES], runs),
        more=more,
        later=tuple(later[:MOST_LATER]),
        more_later=max(0, len(later) - MOST_LATER),
        runs_since=runs[0].started if len(runs) == MOST_RUNS else "",
    )


def _id_of(visit: Visit) -> str:
    """The id of the stack with a name at the position, else now, else of a deleted one."""
    stacks = visit.workspace.stacks
    name = visit.query.get("id") or visit.names["name"]
    for at in dict.fromkeys((visit.until, None)):
        try:
            return stacks.get(name, at).id
        except NotFound:
            continue
    return next(each.id for each in stacks.history(name) if each.kind == "stack")


def _at(visit: Visit, id: str, position: str | None) -> StackView | None:
    try:
        return visit.workspace.stacks.get(id, position)
    except NotFound:
        return None


def _upto(entries: Sequence[HistoryEntry], position: int | None) -> list[HistoryEntry]:
    return [each for each in entries if position is None or each.position <= position]


def _periods(entries: Sequence[HistoryEntry], runs: Sequence[StripRun]) -> tuple[Period, ...]:
    """The periods of changes, newest first."""
    periods, until = [], "~"
    for entry in entries:
        during = [run for run in runs if entry.when <= run.started < until]
        failed = sum(run.status == "failed" for run in during)
        periods.append(Period(entry, tuple(during[-MOST_CELLS:]), len(during), failed))
        until = min(until, entry.when)
    return tuple(periods)
