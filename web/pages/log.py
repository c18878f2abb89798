"""The log: changes or all events, filtered, newest first."""

import shlex
from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.visit import Frame, Visit

SIZE = 80
FILTERS = ("by", "type", "name")


class LogPage(NamedTuple):
    """The content of the page."""

    frame: Frame
    entries: tuple[HistoryEntry, ...]
    """Newest first."""
    filters: dict[str, str]
    """Field → text that must be equal; empty for any."""
    everything: bool
    """Whether events of runs are shown too."""
    older: int | None
    """The position that the next page begins at; None if this is the last one."""


def log(visit: Visit) -> LogPage:
    """Read a page of the log.

    Raises:
        Invalid: The position to begin at is no number.
        AsOfOutOfRange: It is not in the log.
    """
    filters = {field: visit.query.get(field, "").strip() for field in FILTERS}
    everything = visit.query.get("all") == "1"
    until = visit.as_of
    if "before" in visit.query:
        before = whole_number("before", visit.query["before"])
        until = min(before, until or before)
    entries = [
        *visit.workspace.log.entries(
            until=f"#{until}" if until else None,
            by=filters["by"] or None,
            kind=filters["type"].replace("-", "_") or None,
            name=filters["name"] or None,
            # A filter for runs would find nothing else.
            detail="all" if everything or filters["type"] == "run" else "changes",
            limit=SIZE + 1,
        )
    ]
    options = "".join(f" --{field} {shlex.quote(text)}" for field, text in filters.items() if text)
    upto = f" --until '#{until}'" if until else ""
    return LogPage(
        frame=visit.frame("Log", f"stackfold log{options}{upto}", "stackfold log verify"),
        entries=tuple(entries[:SIZE]),
        filters=filters,
        everything=everything,
        older=entries[SIZE].position if len(entries) > SIZE else None,
    )
