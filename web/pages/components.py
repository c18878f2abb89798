"""The components of all types."""

from itertools import groupby
from typing import NamedTuple

from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.stacks.views import ComponentView
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.visit import Frame, Visit

SIZE = 100
FILTERS = ("type", "flavor", "name")


class Group(NamedTuple):
    """The components of a type."""

    type: str
    components: tuple[ComponentView, ...]


class Components(NamedTuple):
    """The content of the page."""

    frame: Frame
    groups: tuple[Group, ...]
    filters: dict[str, str]
    """Field → text that must be equal; empty for any."""
    page: int
    more: bool
    """Whether there is another page."""


def components(visit: Visit) -> Components:
    """Read a page of the components.

    Raises:
        UnknownComponentType: There is no such type.
        Invalid: The number of the page is no number.
    """
    filters = {field: visit.query.get(field, "").strip() for field in FILTERS}
    page = whole_number("page", visit.query.get("page", "1"))
    type = ComponentType(filters["type"].replace("-", "_")) if filters["type"] else None
    equal = tuple(
        Condition(field, "equals", text)
        for field, text in filters.items()
        if text and field != "type"
    )
    listed = visit.workspace.components.list
    wanted = Listing(where=equal, sort_by="type", page=page, size=SIZE)
    found = listed(type, wanted, visit.until)
    rest = wanted._replace(page=page * SIZE + 1, size=1)
    more = len(found) == SIZE and bool(listed(type, rest, visit.until))
    by_type = groupby(found, key=lambda each: each.type)
    command = f"{type.command} list" if type else "component list"
    at = visit.frame("").at
    return Components(
        frame=visit.frame("Components", f"stackfold {command}{at}", "stackfold flavor list"),
        groups=tuple(Group(each, tuple(members)) for each, members in by_type),
        filters=filters,
        page=page,
        more=more,
    )
