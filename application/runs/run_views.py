"""Queries for runs, and the views they return."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.listing.listing import Listing
from stackfold.application.runs.metrics import LazyMetrics, Metric, MetricPoint, metrics_in, named
from stackfold.application.runs.where import Comparison
from stackfold.domain.rfc3339 import from_rfc3339

if TYPE_CHECKING:
    from stackfold.application.runs.recorded_parameters import RecordedParameters
    from stackfold.domain.runs.pin import PinnedArtifact

RunStatus = Literal["running", "completed", "failed", "cancelled", "interrupted"]
"""The status of a run; "interrupted" if its process died."""

NEWEST_FIRST = Listing(sort_by="position", descending=True)
"""All runs, newest first."""


def minor_version(python: str | None) -> str:
    """Return the part of a Python version that determines byte code, such as "3.12"."""
    return ".".join((python or "").split(".")[:2])


class RunFields(NamedTuple):
    """The fields of `RunView`."""

    id: str
    name: str
    pipeline: str
    stack: str
    """The stack's name when the run started."""
    stack_revision: int
    status: str
    """"running", "completed", "failed", "cancelled", or "interrupted" if its process died."""
    started: str
    """RFC 3339, UTC."""
    ended: str | None
    """RFC 3339, UTC; None while it runs."""
    by: str
    fingerprint: str
    """sha256 of the pin: equal for two runs on exactly the same configuration."""
    tags: list[str]
    model_version: str | None
    """The version of a model that it makes or continues, such as "fraud@3"; None for none."""

    def __repr__(self) -> str:
        return f"<RunView {self.name}: {self.status}>"


class RunView(RunFields):
    """A run in its current state."""

    lazy_metrics: LazyMetrics | None = None
    """Reads its metrics; set on the runs that queries return."""

    @property
    def metrics(self) -> dict[str, float]:
        """Its metrics and those of its steps, by name: `auc`, or `train.auc` if several have it.

        They are read when they are first asked for, together with those of the runs in its list.

        Raises:
            LookupError: It was unpickled or created outside of a workspace.
        """
        if self.lazy_metrics is None:
            raise LookupError(f"run {self.name!r} is a copy: call ws.runs.metrics({self.id!r})")
        return self.lazy_metrics.of(self.id)

    def __getstate__(self) -> None:
        """Leave out the connection to the log, which cannot be pickled."""


class PipelineView(NamedTuple):
    """A pipeline that has run, with its latest run."""

    name: str
    runs: int
    """The number of its runs."""
    last_run: str
    """The name of its latest run."""
    status: str
    """The status of its latest run, as in `RunView`."""
    stack: str
    """The stack of its latest run."""
    started: str
    """When its latest run started: RFC 3339, UTC."""
    ended: str | None
    """When its latest run ended; None while it runs."""
    by: str
    """Who started its latest run."""


class StepView(NamedTuple):
    """A step of a run."""

    name: str
    status: str
    """"completed", "cached", "failed", "cancelled" or "skipped"; before any of these "running" once
    it has run for half a second, else "pending"."""
    started: str | None
    ended: str | None
    error: str
    """Its error, or why it was cancelled or skipped, in one line; else empty."""
    traceback: str
    """Begins in the step's function; empty if it did not raise."""
    upstream: list[str]
    step_operator: str | None
    parameters: dict[str, Any]
    """The values passed to it."""
    parameter_form: str
    """"exact", or "plain" where an older version recorded the values as plain JSON."""
    inputs: dict[str, str]
    """Input → the id of its artifact; "models[0]" for the first in a list."""
    outputs: list[ArtifactView]
    retried: list[str]
    """The errors of the attempts before the last one, one line each."""
    log: dict[str, Any] | None
    """The stored output: uri, digest, size; None if it printed nothing."""
    key: str
    """Its cache key; empty if it was not cacheable."""
    cached_from: str | None
    """The id of the run that produced its outputs; None if it was this one."""
    metadata: dict[str, Any]
    """Added by the step, by its options, and later by `runs.log_metadata`."""
    tags: list[str]
    code: str
    """The fingerprint of its code; empty if unknown."""
    declares: str
    """Its declared outputs, such as "model: sklearn.base.ClassifierMixin"."""
    materializers: str
    """A digest of the materializers that may write its outputs."""
    could_be_cached: bool
    """Whether the outputs of an equal earlier execution could be reused."""
    code_form: int = 1
    """The form of the fingerprint; fingerprints of different forms cannot be compared."""
    opaque: Sequence[str] = ()
    """Values in its code of which only the class counts, as "name (module.Class)"."""
    saved: Sequence[ArtifactView] = ()
    """The artifacts that it saved while it was running, the first first."""
    used: Mapping[str, str] = {}
    """Reference → the exact version, of the artifacts that it loaded, or declared as `uses`."""

    @property
    def seconds(self) -> float:
        """Its duration; 0.0 if it never began."""
        if not self.started or not self.ended:
            return 0.0
        ended, started = map(from_rfc3339, (self.ended, self.started))
        return (ended - started).total_seconds()


class RunDescription(NamedTuple):
    """A run with its steps and its pin."""

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
    model_version: str | None
    """The version of a model that it makes or continues, such as "fraud@3"; None for none."""
    source: str
    """The pipeline, as "package.module:function" or "file.py:function"."""
    import_root: str
    """The folder that its module is imported from; empty if unknown."""
    why: str
    error: str
    """Its error, in one line; empty if it did not fail."""
    parameters: dict[str, Any]
    """The values passed to the pipeline. An object of an unknown class is shown by its fields."""
    parameter_form: str
    """"exact", or "plain" where an older version recorded the values as plain JSON."""
    configuration: dict[str, Any]
    """The configuration of the run, besides its parameters."""
    steps: list[StepView]
    """In topological order."""
    pin: dict[str, Any]
    """The stack's revision, its components' revisions and their resolved configuration."""
    rerun_of: str | None
    """The id of the run that it repeats; None if it is no rerun."""
    environment: dict[str, Any]
    """Its Python, platform and packages."""
    position: int
    """The log position of its first event."""
    metadata: dict[str, Any]
    submitted: dict[str, str] | None
    """If it was submitted to an engine: orchestrator, reference and url."""
    references: Mapping[str, str] = {}
    """Reference → the exact version, of the artifacts of earlier runs that its steps take."""
    returns: Mapping[str, Any] | None = None
    """What its pipeline returned: kind ("one", "tuple", "list" or "dict"), and outputs, each with
    key, step and output; None if it returned no outputs."""

    def __repr__(self) -> str:
        return f"<RunDescription {self.name}: {self.status}, steps: {len(self.steps)}>"

    @property
    def metrics(self) -> dict[str, float]:
        """Its metrics and those of its steps, by name: `auc`, or `train.auc` if several have it."""
        return named(metrics_in(self.metadata, {step.name: step.metadata for step in self.steps}))


class RunQueries(Protocol):
    """Queries for runs; a `reference` is as in `Runs`."""

    def runs(
        self, listing: Listing = NEWEST_FIRST, comparisons: Sequence[Comparison] = ()
    ) -> list[RunView]:
        """List the runs that match a listing and all comparisons."""
        ...

    def run(self, reference: str) -> RunView:
        """Return one run.

        Raises:
            NotFound: The run does not exist.
            Ambiguous: The prefix matches several runs.
        """
        ...

    def describe_run(self, reference: str) -> RunDescription:
        """Return a run with its steps; raises as `run`."""
        ...

    def pipelines(self, listing: Listing) -> list[PipelineView]:
        """List the pipelines that have run."""
        ...

    def previous(self, reference: str, status: str | None) -> RunView | None:
        """Return the run of the same pipeline and stack before one; raises as `run`."""
        ...

    def metrics(self, runs: Collection[str]) -> Mapping[str, Sequence[Metric]]:
        """Return the metrics of each of the runs with some ids."""
        ...

    def parameters(
        self, runs: Collection[str], steps: Collection[str] = ()
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the parameters of each of the runs with some ids.

        Args:
            runs: The ids.
            steps: Steps whose parameters are returned too, as "step.name".
        """
        ...

    def data_frame(self, columns: Mapping[str, list[Any]], times: Collection[str] = ()) -> Any:
        """Return a table of pandas.

        Args:
            columns: Column → its values.
            times: The columns of times, RFC 3339.

        Raises:
            Unavailable: pandas is not installed.
        """
        ...

    def course(
        self, name: str, pipeline: str | None, stack_id: str | None, limit: int
    ) -> Sequence[MetricPoint]:
        """Return the values of a metric in several runs."""
        ...

    def recorded_parameters(self, run: str) -> "RecordedParameters":
        """Return the recorded parameters of the run with the id `run`."""
        ...

    def pinned_artifacts(self, run: str) -> "dict[str, PinnedArtifact]":
        """Return the artifacts of earlier runs that the run with the id `run` takes."""
        ...

    def aliases(self, run: str) -> Sequence[str]:
        """Return the aliases of artifacts that exist only as long as the run with the id `run`."""
        ...

    def artifacts(self, run: str, step: str | None = None) -> Sequence[ArtifactView]:
        """Return the artifacts of the run with the id `run`, or of one of its steps."""
        ...


def readable(value: Any) -> Any:
    """Return the value of a parameter, such as a path or a set, as JSON."""
    from stackfold.domain.exact_json import display

    return display.readable(value)
