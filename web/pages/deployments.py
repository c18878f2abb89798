"""The deployments: what is recorded of them, and how their servers are."""

from typing import NamedTuple

from stackfold.application.deployments.deployment_views import DeploymentView
from stackfold.application.listing.listing import Listing
from stackfold.web.pages.health import NOT_SERVED, Health, health
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.visit import Frame, Visit

SIZE = 40


class DeploymentLine(NamedTuple):
    """A line of the table."""

    deployment: DeploymentView
    """With the recorded status."""
    health: Health


class Deployments(NamedTuple):
    """The content of the page."""

    frame: Frame
    lines: tuple[DeploymentLine, ...]
    page: int
    more: bool
    """Whether there is another page."""


def deployments(visit: Visit) -> Deployments:
    """Read a page of the deployments.

    Raises:
        Invalid: The number of the page is no number.
    """
    page = whole_number("page", visit.query.get("page", "1"))
    listed = visit.workspace.deployments.list
    wanted = Listing(page=page, size=SIZE)
    found = listed(wanted, visit.until, contact=False)
    rest = wanted._replace(page=page * SIZE + 1, size=1)
    more = len(found) == SIZE and bool(listed(rest, visit.until, contact=False))
    states = {} if visit.as_of else health(visit.workspace, found)
    at = f" --as-of '{visit.until}'" if visit.until else ""
    return Deployments(
        frame=visit.frame("Deployments", f"stackfold deployment list{at}"),
        lines=tuple(DeploymentLine(each, states.get(each.id, NOT_SERVED)) for each in found),
        page=page,
        more=more,
    )
