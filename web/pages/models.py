"""The list of models, with the versions that their aliases stand for."""

import shlex
from typing import NamedTuple

from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.models.views import ModelView
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.visit import Frame, Visit

SIZE = 60


class Models(NamedTuple):
    """The content of the page."""

    frame: Frame
    models: tuple[ModelView, ...]
    name: str
    """The text that names contain; empty for any."""
    page: int
    more: bool
    """Whether there is another page."""


def models(visit: Visit) -> Models:
    """Read a page of the list.

    Raises:
        Invalid: The number of the page is no number.
    """
    page = whole_number("page", visit.query.get("page", "1"))
    name = visit.query.get("name", "").strip()
    where = (Condition("name", "contains", name),) if name else ()
    wanted = Listing(where=where, page=page, size=SIZE)
    found = visit.workspace.models.list(wanted, visit.until)
    following = wanted._replace(page=page * SIZE + 1, size=1)
    more = len(found) == SIZE and bool(visit.workspace.models.list(following, visit.until))
    option = f" --name {shlex.quote(f'contains:{name}')}" if name else ""
    at = f" --as-of '{visit.until}'" if visit.until else ""
    frame = visit.frame("Models", f"stackfold model list{option}{at}")
    return Models(frame, tuple(found), name, page, more)
