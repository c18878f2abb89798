"""The latest version of each artifact."""

import shlex
from typing import NamedTuple

from stackfold.application.artifacts.artifact_views import NamedArtifact
from stackfold.application.listing.listing import Condition, Listing
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.visit import Frame, Visit

SIZE = 60
FILTERS = {"pipeline": "", "name": "contains:", "type": "contains:", "tag": ""}
"""Field of the filter → what is before its text on the command line."""


class Artifacts(NamedTuple):
    """The content of the page."""

    frame: Frame
    artifacts: tuple[NamedArtifact, ...]
    filters: dict[str, str]
    page: int
    more: bool
    """Whether there is another page."""


def artifacts(visit: Visit) -> Artifacts:
    """Read a page of the list.

    Raises:
        Invalid: The number of the page is no number.
    """
    filters = {field: visit.query.get(field, "").strip() for field in FILTERS}
    page = whole_number("page", visit.query.get("page", "1"))
    wanted = Listing(
        where=tuple(
            Condition(field, "contains" if prefix else "equals", filters[field])
            for field, prefix in FILTERS.items()
            if filters[field] and field != "tag"
        ),
        tags=(filters["tag"],) if filters["tag"] else (),
        until=visit.until,
        sort_by="position",
        descending=True,
        page=page,
        size=SIZE,
    )
    found = visit.workspace.artifacts.list(wanted, only_latest=True)
    following = wanted._replace(page=page * SIZE + 1, size=1)
    more = len(found) == SIZE and bool(visit.workspace.artifacts.list(following, True))
    options = "".join(
        f" --{field} {shlex.quote(prefix + filters[field])}"
        for field, prefix in FILTERS.items()
        if filters[field]
    )
    return Artifacts(
        frame=visit.frame("Artifacts", f"stackfold artifact list --latest{options}"),
        artifacts=tuple(found),
        filters=filters,
        page=page,
        more=more,
    )
