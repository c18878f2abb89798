"""What an artifact contains, as a page of its own, which the page of the artifact loads."""

from typing import NamedTuple

from stackfold.application.artifacts.artifact_views import NamedArtifact
from stackfold.application.artifacts.previews import Preview
from stackfold.domain.errors import NotFound, StackfoldError
from stackfold.web.pages.plotly_script import plotly_script
from stackfold.web.pages.visit import Frame, Visit

SECONDS = 10.0
"""How long a page waits for a store, and then for the parser."""


class PreviewPage(NamedTuple):
    """The content of the page."""

    frame: Frame
    artifact: NamedArtifact
    preview: Preview | None
    """None if the artifact cannot be read."""
    problem: str
    """Why it cannot be read; may be empty."""
    address: str
    """Of the picture, page or figure."""
    has_plotly: bool


def preview(visit: Visit) -> PreviewPage:
    """Read the preview of an artifact.

    Raises:
        NotFound: The artifact does not exist.
    """
    id = visit.names["id"]
    found = visit.workspace.artifacts.get(id).view
    shown, problem = None, ""
    try:
        shown = visit.workspace.artifacts.preview(id, timeout=SECONDS)
    except NotFound:
        raise
    except StackfoldError as error:
        problem = str(error)
    folder = "figures" if shown and shown.form == "figure" else "pictures"
    command = f"stackfold artifact show {found.reference}"
    return PreviewPage(
        frame=visit.frame(f"Preview of {found.reference}", command),
        artifact=found,
        preview=shown,
        problem=problem,
        address=visit.frame("").url(f"/{folder}/{found.id}", as_of=None),
        has_plotly=plotly_script() is not None,
    )
