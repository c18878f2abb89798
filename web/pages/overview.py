"""The overview: the stacks with their last runs, and what changed lately."""

from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.stacks.views import StackView
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.web.pages.strips import (
    LENGTH,
    Slot,
    StripRun,
    Trouble,
    runs_of,
    slots,
    strip_run,
    trouble,
)
from stackfold.web.pages.visit import Frame, Visit

MOST_STACKS = 30
MOST_CHANGES = 40
DAYS = 7
_MARKED = 60
"""The most changes of a stack of which those between the shown runs are marked."""


class Card(NamedTuple):
    """A stack."""

    stack: StackView
    strip: tuple[Slot, ...]
    last: StripRun | None
    runs: int
    failed: int
    trouble: Trouble | None


class Overview(NamedTuple):
    """The content of the page."""

    frame: Frame
    cards: tuple[Card, ...]
    """The active stack first, then those with runs."""
    more_stacks: int
    """How many stacks are not shown."""
    running: tuple[StripRun, ...]
    changes: tuple[HistoryEntry, ...]
    """Newest first."""
    more_changes: bool


def overview(visit: Visit) -> Overview:
    """Read the overview."""
    stacks = sorted(
        visit.workspace.stacks.list(as_of=visit.until), key=lambda each: not each.active
    )
    cards = [_card(visit, stack) for stack in stacks[:MOST_STACKS]]
    cards.sort(key=lambda card: (not card.stack.active, not card.runs))
    since = to_rfc3339(visit.reference_time - timedelta(days=DAYS))
    found = visit.workspace.log.entries(
        since=since, until=visit.until, detail="changes", limit=MOST_CHANGES + 1
    )
    changes = [*found]
    at = f" --as-of '#{visit.as_of}'" if visit.as_of else ""
    return Overview(
        frame=visit.frame("Overview", f"stackfold stack list{at}", "stackfold log --since 7d"),
        cards=tuple(cards),
        more_stacks=max(0, len(stacks) - MOST_STACKS),
        running=_running(visit),
        changes=tuple(changes[:MOST_CHANGES]),
        more_changes=len(changes) > MOST_CHANGES,
    )


def _card(visit: Visit, stack: StackView) -> Card:
    runs = runs_of(visit, stack.id, LENGTH)
    changes = visit.workspace.stacks.history(stack.id, _MARKED) if runs else []
    upto = visit.as_of
    strip = slots(runs, [each for each in changes if upto is None or each.position <= upto])
    return Card(
        stack=stack,
        strip=strip,
        last=runs[-1] if runs else None,
        runs=len(runs),
        failed=sum(run.status == "failed" for run in runs),
        trouble=trouble(strip),
    )


def _running(visit: Visit) -> tuple[StripRun, ...]:
    """The runs that are being executed; of the past, none is known."""
    if visit.as_of:
        return ()
    wanted = Listing(
        where=(Condition("status", "equals", "running"),), sort_by="position", descending=True
    )
    found = islice(visit.workspace.runs.list(wanted._replace(size=10)), 10)
    return tuple(strip_run(run, visit) for run in found)
