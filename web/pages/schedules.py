"""The schedules: when each starts runs, and what it started last."""

import shlex
from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import Listing
from stackfold.application.schedules.views import ScheduleDescription, ScheduleView
from stackfold.domain.errors import NotFound
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.values import NO_FACTS, Facts, facts
from stackfold.web.pages.visit import Frame, Visit

SIZE = 40
MOST_ENTRIES = 60
MOST_TIMES = 20


class Schedules(NamedTuple):
    """The content of the page of all schedules."""

    frame: Frame
    schedules: tuple[ScheduleView, ...]
    page: int
    more: bool
    """Whether there is another page."""


class Schedule(NamedTuple):
    """The content of the page of a schedule."""

    frame: Frame
    name: str
    found: ScheduleDescription | None
    """None if it did not exist at the position, or was deleted."""
    parameters: Facts
    entries: tuple[HistoryEntry, ...]
    """The changes up to the position, newest first."""
    more: int | None
    """The last position of earlier changes that are not shown; None if there are none."""


def schedules(visit: Visit) -> Schedules:
    """Read a page of the schedules.

    Raises:
        Invalid: The number of the page is no number.
    """
    page = whole_number("page", visit.query.get("page", "1"))
    listed = visit.workspace.schedules.list
    found = listed(Listing(page=page, size=SIZE), visit.until)
    rest = Listing(page=page * SIZE + 1, size=1)
    at = f" --as-of '{visit.until}'" if visit.until else ""
    return Schedules(
        frame=visit.frame("Schedules", f"stackfold schedule list{at}"),
        schedules=tuple(found),
        page=page,
        more=len(found) == SIZE and bool(listed(rest, visit.until)),
    )


def schedule(visit: Visit) -> Schedule:
    """Read the page of a schedule.

    Raises:
        NotFound: There never was such a schedule.
        Ambiguous: The name is the beginning of the names of several.
    """
    name, service = visit.names["name"], visit.workspace.schedules
    try:
        found = service.describe(name, visit.until, limit=MOST_TIMES)
    except NotFound:
        found = None
    view = found.schedule if found else None
    entries = service.history(view.id if view else name, MOST_ENTRIES + 1, as_of=visit.until)
    shown = view.name if view else name
    quoted = shlex.quote(shown)
    at = f" --as-of '{visit.until}'" if visit.until else ""
    return Schedule(
        frame=visit.frame(
            f"Schedule {shown}",
            f"stackfold schedule describe {quoted}{at}",
            f"stackfold schedule history {quoted}",
        ),
        name=shown,
        found=found,
        parameters=facts(view.parameters) if view else NO_FACTS,
        entries=tuple(entries[:MOST_ENTRIES]),
        more=entries[MOST_ENTRIES].position if len(entries) > MOST_ENTRIES else None,
    )
