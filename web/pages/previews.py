"""What an artifact contains, as a page of its own, which the page of the artifact loads."""

import shlex
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
    file: str
    """The path of a file of a folder; empty for the artifact as a whole."""
    preview: Preview | None
    """None if the artifact cannot be read."""
    problem: str
    """Why it cannot be read; may be empty."""
    address: str
    """Of the picture, page or figure."""
    download: str
    """The address of the bytes; empty for a folder."""
    has_plotly: bool

    @property
    def title(self) -> str:
        """What is shown, for those who do not see it."""
        version = f"{self.artifact.name}, version {self.artifact.version}"
        return f"{self.file} of {version}" if self.file else version


def preview(visit: Visit) -> PreviewPage:
    """Read the preview of an artifact.

    Raises:
        NotFound: The artifact does not exist.
    """
    id, file = visit.names["id"], visit.query.get("file", "")
    found = visit.workspace.artifacts.get(id).view
    shown, problem = None, ""
    try:
        shown = visit.workspace.artifacts.preview(id, file=file, timeout=SECONDS)
    except NotFound:
        raise
    except StackfoldError as error:
        problem = str(error)
    folder = "figures" if shown and shown.form == "figure" else "pictures"
    if shown and shown.stored:
        folder = "preview-pictures"
    reference = shlex.quote(found.reference)
    command = f"stackfold artifact show {reference}"
    if file:
        command = f"stackfold artifact export {reference} -o FOLDER {shlex.quote(file)}"
    frame = visit.frame(f"{file or 'Preview'} of {found.reference}", command)
    return PreviewPage(
        frame=frame,
        artifact=found,
        file=file,
        preview=shown,
        problem=problem,
        address=frame.url(f"/{folder}/{found.id}", as_of=None, file=file),
        download=""
        if found.files is not None and not file
        else frame.url(f"/downloads/{found.id}", as_of=None, file=file),
        has_plotly=plotly_script() is not None,
    )
