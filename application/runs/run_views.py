"""What can be asked about runs, and what the answers look like."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.listing.listing import Listing
from stackfold.domain.rfc3339 import from_rfc3339

if TYPE_CHECKING:
    from stackfold.application.runs.recorded_parameters import RecordedParameters

NEWEST_FIRST = Listing(sort_by="position", descending=True)
"""Every run, the latest one first."""


def minor_version(python: str | None) -> str:
    """Of a version of Python what decides on its byte code, such as "3.12"; empty if unknown."""
    return ".".join((python or "").split(".")[:2])


class RunView(NamedTuple):
    """A run as far as it has come."""

    id: str
    name: str
    pipeline: str
    stack: str
    """The stack's name when the run started."""
    stack_revision: int
    status: str
    """"running", "completed", "failed", "cancelled", or "interrupted" if its process is gone."""
    started: str
    """RFC 3339, UTC."""
    ended: str | None
    """RFC 3339, UTC; None while it runs."""
    by: str
    fingerprint: str
    """sha256 of the pin: equal for two runs on exactly the same configuration."""
    tags: list[str]


class StepView(NamedTuple):
    """A step of a run."""

    name: str
    status: str
    """"completed", "cached", "failed", "cancelled", "skipped", or "pending" before any of these."""
    started: str | None
    ended: str | None
    error: str
    """What it raised, or why it was cancelled or skipped, in one line; else empty."""
    traceback: str
    """From the step's function on; empty if it did not raise."""
    upstream: list[str]
    step_operator: str | None
    parameters: dict[str, Any]
    """The values that it got."""
    parameter_form: str
    """"exact", or "plain" where an older version recorded the values as mere JSON."""
    inputs: dict[str, str]
    """Input → the id of the artifact that it was; "models[0]" for the first of those in a list."""
    outputs: list[ArtifactView]
    retried: list[str]
    """What the attempts before the last one raised, each in one line."""
    log: dict[str, Any] | None
    """Where what it printed is: uri, digest, size; None if it was silent."""
    key: str
    """Its cache key; empty if it was not to be cached."""
    cached_from: str | None
    """The id of the run that made its outputs; None if this one did."""
    metadata: dict[str, Any]
    """What it said of itself, and what its options say."""
    tags: list[str]
    code: str
    """sha256 of what its function is made of; empty where that is unknown."""
    declares: str
    """The outputs that it declares, such as "model: sklearn.base.ClassifierMixin"."""
    materializers: str
    """A digest of those that may write its outputs."""
    could_be_cached: bool
    """Whether an equal earlier execution could stand for it."""
    code_form: int = 1
    """How the digest of its code was made; two of different forms cannot be compared."""
    opaque: Sequence[str] = ()
    """What counts in its code by its class alone, as "name (module.Class)"."""

    @property
    def seconds(self) -> float:
        """How long it took; 0.0 if it never began."""
        if not self.started or not self.ended:
            return 0.0
        ended, started = map(from_rfc3339, (self.ended, self.started))
        return (ended - started).total_seconds()


class RunDescription(NamedTuple):
    """A run with its steps and everything that it was pinned to."""

    id: str
    name: str
    pipeline: str
    stack: str
    stack_revision: int
    status: str
    started: str
    ended: str | None
    by: str
    fingerprint: str
    tags: list[str]
    source: str
    """Where the pipeline is: "package.module:function", or "file.py:function"."""
    import_root: str
    """The folder that its module is imported from, if that is known."""
    why: str
    error: str
    """Why it failed, in one line; empty if it did not."""
    parameters: dict[str, Any]
    """The values that the pipeline got. An object whose class the program does not have is shown
    by its fields."""
    parameter_form: str
    """"exact", or "plain" where an older version recorded the values as mere JSON."""
    configuration: dict[str, Any]
    """What was chosen for this run beside its parameters."""
    steps: list[StepView]
    """In topological order."""
    pin: dict[str, Any]
    """The stack's revision, its components' revisions and their resolved configuration."""
    rerun_of: str | None
    """The id of the run that it repeats, if it repeats one."""
    environment: dict[str, Any]
    """The Python, the platform and the packages that it found."""
    position: int
    """Where in the log it began."""
    metadata: dict[str, Any]
    submitted: dict[str, str] | None
    """What it was handed to, if to an engine: orchestrator, reference and url."""


class RunQueries(Protocol):
    """The questions about runs; a `reference` is a name, an id or a unique prefix of either."""

    def runs(self, listing: Listing = NEWEST_FIRST) -> list[RunView]:
        """The runs that a listing asks for."""
        ...

    def run(self, reference: str) -> RunView:
        """One run.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """
        ...

    def describe_run(self, reference: str) -> RunDescription:
        """One run with its steps; raises as `run` does."""
        ...

    def recorded_parameters(self, run: str) -> "RecordedParameters":
        """What was recorded of the parameters of the run with that id."""
        ...

    def artifacts(self, run: str, step: str | None = None) -> Sequence[ArtifactView]:
        """What the run with that id, or one step of it, produced."""
        ...


def readable(value: Any) -> Any:
    """The value of a parameter, such as a path or a set, as JSON carries it."""
    from stackfold.domain.exact_json import display

    return display.readable(value)
