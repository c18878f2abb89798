"""Views of recorded requests."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from stackfold.domain.validation.validation_report import ValidationReport


class RecordedRequestView(NamedTuple):
    """A recorded request."""

    at: str
    """When it arrived: RFC 3339, UTC."""
    model: str
    """The model that answered, such as "fraud@7"."""
    status: int
    """The status of the response."""
    ms: float
    """Milliseconds until the response was complete."""
    rows: Sequence[Mapping[str, Any]]
    """Its rows: column → value, with the predictions, and without the fields to leave out."""
    problem: str
    """Why it has no rows; empty if it has them."""


class CollectedView(NamedTuple):
    """What became of the recorded requests of a deployment."""

    deployment: str
    """Its name."""
    moved: int
    """The number of requests that were moved to the artifact store."""
    deleted: int
    """The number of requests that were deleted, as they are too old."""
    problem: str = ""
    """Why the store cannot be reached; otherwise empty."""


class DriftView(NamedTuple):
    """A comparison of recorded requests with a data set."""

    deployment: str
    """Its name."""
    baseline: str
    """The data set, as "name@version"."""
    rows: int
    """The number of recorded rows."""
    drifted: bool
    """Whether a check of the data validator failed."""
    summary: str
    """The result, in one line."""
    report: "ValidationReport"
    alerted: bool
    """Whether an alert was posted."""
