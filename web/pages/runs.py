"""The runs as a table: filtered, sorted and paged."""

import shlex
from typing import NamedTuple

from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.runs.run_views import RunView
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.strips import status_of
from stackfold.web.pages.visit import Frame, Visit

SIZE = 60
FILTERS = ("pipeline", "stack", "status", "by")
COLUMNS = ("name", "status", "pipeline", "stack", "started", "by")
"""The columns that the table can be sorted by."""


class RunRow(NamedTuple):
    """A row of the table."""

    run: RunView
    status: str
    """Its status at the position of the page."""
    until: str
    """When it ended, or the time that the page shows the state at."""


class Runs(NamedTuple):
    """The content of the page."""

    frame: Frame
    rows: tuple[RunRow, ...]
    filters: dict[str, str]
    """Field → text that must be equal; empty for any."""
    sort: str
    """The column, after "-" if the order is descending; empty for the newest first."""
    page: int
    more: bool
    """Whether there is another page."""


def runs(visit: Visit) -> Runs:
    """Read a page of the table.

    Raises:
        InvalidListing: There is no column to sort by.
        Invalid: The number of the page is no number.
    """
    filters = {field: visit.query.get(field, "").strip() for field in FILTERS}
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
    found = visit.workspace.runs.list(wanted)
    more = bool(visit.workspace.runs.list(wanted._replace(page=page * SIZE + 1, size=1)))
    options = "".join(f" --{field} {shlex.quote(text)}" for field, text in filters.items() if text)
    return Runs(
        frame=visit.frame("Runs", f"stackfold run list{options}"),
        rows=tuple(_row(run, visit) for run in found),
        filters=filters,
        sort=sort,
        page=page,
        more=more,
    )


def _row(run: RunView, visit: Visit) -> RunRow:
    reference = visit.as_of_time or visit.now
    status = status_of(run, visit)
    ended = run.ended if run.ended and status != "running" else reference
    return RunRow(run, status, ended)
