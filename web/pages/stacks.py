"""The list of stacks."""

from typing import NamedTuple

from stackfold.application.listing.listing import Listing
from stackfold.application.stacks.views import StackView
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.visit import Frame, Visit

SIZE = 60


class Stacks(NamedTuple):
    """The content of the page."""

    frame: Frame
    stacks: tuple[StackView, ...]
    page: int
    more: bool
    """Whether there is another page."""


def stacks(visit: Visit) -> Stacks:
    """Read a page of the list.

    Raises:
        Invalid: The number of the page is no number.
    """
    page = whole_number("page", visit.query.get("page", "1"))
    wanted = Listing(page=page, size=SIZE)
    found = visit.workspace.stacks.list(wanted, visit.until)
    following = wanted._replace(page=page * SIZE + 1, size=1)
    more = len(found) == SIZE and bool(visit.workspace.stacks.list(following, visit.until))
    at = f" --as-of '{visit.until}'" if visit.until else ""
    return Stacks(visit.frame("Stacks", f"stackfold stack list{at}"), tuple(found), page, more)
