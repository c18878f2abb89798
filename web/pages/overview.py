"""The overview: the stacks with their last runs, and what changed lately."""

from datetime import timedelta
from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.deployments.deployment_views import DeploymentView
from stackfold.application.history.views import HistoryEntry, LastVerified
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.stacks.views import StackView
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.web.pages.courses import Course, courses
from stackfold.web.pages.strips import (
    LENGTH,
    StripRun,
    Trouble,
    drawn,
    runs_of,
    slots,
    strip_run,
    trouble,
)
from stackfold.web.pages.visit import Frame, Visit

MOST_STACKS = 12
MOST_CHANGES = 40
MOST_DEPLOYMENTS = 8
MOST_RUNNING = 10
DAYS = 7
_MARKED = 30
"""The most changes of a stack of which those between the shown runs are marked."""


class Card(NamedTuple):
    """A stack."""

    stack: StackView
    strip: Markup
    """SVG; empty if there is no run."""
    last: StripRun | None
    runs: int
    failed: int
    trouble: Trouble | None
    courses: tuple[Course, ...]
    """Its metrics; only of the active stack."""


class Overview(NamedTuple):
    """The content of the page."""

    frame: Frame
    cards: tuple[Card, ...]
    """The active stack first, then those with runs."""
    more_stacks: int
    """How many stacks are not shown."""
    running: tuple[StripRun, ...]
    more_running: bool
    deployments: tuple[DeploymentView, ...]
    """With the status that the log has: the page waits for no server."""
    more_deployments: bool
    verified: LastVerified | None
    """How far the log was verified from this home; None if it never was, and on a past page."""
    changes: tuple[HistoryEntry, ...]
    """Newest first."""
    more_changes: bool


def overview(visit: Visit) -> Overview:
    """Read the overview."""
    stacks = sorted(
        visit.workspace.stacks.list(as_of=visit.until), key=lambda each: not each.active
    )
    at = f" --as-of '#{visit.as_of}'" if visit.as_of else ""
    frame = visit.frame("Overview", f"stackfold stack list{at}", "stackfold log --since 7d")
    cards = [_card(visit, stack, frame) for stack in stacks[:MOST_STACKS]]
    cards.sort(key=lambda card: (not card.stack.active, not card.runs))
    since = to_rfc3339(visit.reference_time - timedelta(days=DAYS))
    changes = [
        *visit.workspace.log.entries(
            since=since, until=visit.until, detail="changes", limit=MOST_CHANGES + 1
        )
    ]
    running = _running(visit)
    deployments = visit.workspace.deployments.list(
        Listing(size=MOST_DEPLOYMENTS + 1), as_of=visit.until, contact=False
    )
    return Overview(
        frame=frame,
        cards=tuple(cards),
        more_stacks=max(0, len(stacks) - MOST_STACKS),
        running=running[:MOST_RUNNING],
        more_running=len(running) > MOST_RUNNING,
        deployments=tuple(deployments[:MOST_DEPLOYMENTS]),
        more_deployments=len(deployments) > MOST_DEPLOYMENTS,
        verified=None if visit.as_of else visit.workspace.log.last_verified(),
        changes=tuple(changes[:MOST_CHANGES]),
        more_changes=len(changes) > MOST_CHANGES,
    )


def _card(visit: Visit, stack: StackView, frame: Frame) -> Card:
    runs = runs_of(visit, stack.id, LENGTH)
    changes = visit.workspace.stacks.history(stack.id, _MARKED, as_of=visit.until) if runs else []
    strip = slots(runs, changes)
    shown = courses(visit, frame, runs, changes, small=True) if stack.active else ()
    return Card(
        stack=stack,
        strip=drawn(strip, stack.name, frame) if runs else Markup(),
        last=runs[-1] if runs else None,
        runs=len(runs),
        failed=sum(run.status == "failed" for run in runs),
        trouble=trouble(strip),
        courses=shown,
    )


def _running(visit: Visit) -> tuple[StripRun, ...]:
    """The runs that are being executed; of the past, none is known."""
    if visit.as_of:
        return ()
    wanted = Listing(
        where=(Condition("status", "equals", "running"),), sort_by="position", descending=True
    )
    found = visit.workspace.runs.list(wanted._replace(size=MOST_RUNNING + 1))
    return tuple(strip_run(run, visit) for run in found)
