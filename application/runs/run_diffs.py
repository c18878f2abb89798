"""RunDiffs: compares two runs, and lists the changes made in between."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.history.differences import differences
from stackfold.application.history.views import HistoryEntry
from stackfold.application.runs.metrics import LazyMetrics, metrics_in
from stackfold.application.runs.run_facts import CAUSES, DOWNSTREAM, components_of, facts_of
from stackfold.application.runs.run_views import RunDescription, RunQueries, RunView
from stackfold.domain.errors import Invalid


class RunDifference(NamedTuple):
    """A field in which two runs differ; None where a run does not have it."""

    about: str
    """"outcome", "stack", "configuration", "flavor", "code", "parameters", "artifacts", "inputs",
    "outputs", "packages", "python", "metadata", "tags" or "metrics"."""
    field: str
    before: Any
    after: Any


class RunDiff(NamedTuple):
    """How one run differs from another."""

    before: RunView
    after: RunView
    differences: list[RunDifference]
    changes: list[HistoryEntry]
    """Changes of their stacks and components between the starts of the two runs, newest first."""
    values: dict[str, Any]
    """The digest of an output or input that is a small JSON value → the value."""

    def __repr__(self) -> str:
        both = f"{self.before.name} → {self.after.name}"
        return f"<RunDiff {both}, differences: {len(self.differences)}>"

    @property
    def comparison(self) -> "RunComparison":
        """The same, as a comparison of two runs."""
        fields = [ComparedField(*each[:2], each[2:]) for each in self.differences]
        return RunComparison([self.before, self.after], fields, self.changes, self.values)


class ComparedField(NamedTuple):
    """A field in which some of several runs differ."""

    about: str
    """As in `RunDifference`."""
    field: str
    values: tuple[Any, ...]
    """In the order of the runs; None where a run does not have it."""


class RunComparison(NamedTuple):
    """How several runs differ."""

    runs: list[RunView]
    differences: list[ComparedField]
    changes: list[HistoryEntry]
    """Changes of their stacks and components between the first and the last start, newest first."""
    values: dict[str, Any]
    """The digest of an output or input that is a small JSON value → the value."""

    def causes(self) -> list[ComparedField]:
        """What may be the cause, without what a change or a parameter of the pipeline explains."""
        return [
            each
            for about in CAUSES
            for each in self.differences
            if each.about == about and not self._is_explained(each)
        ]

    def of(self, *abouts: str) -> list[ComparedField]:
        """The differences about some subjects.

        Args:
            *abouts: The subjects, as in `RunDifference`.
        """
        return [each for about in abouts for each in self.differences if each.about == about]

    def shown(self, value: Any) -> Any:
        """The small JSON value that a digest stands for; any other value as it is.

        Args:
            value: A value of a difference.
        """
        return self.values.get(value, value) if isinstance(value, str) else value

    def _is_explained(self, compared: ComparedField) -> bool:
        """Whether another line says it: a recorded change, or a parameter of the pipeline."""
        about, field, values = compared
        subject, _, name = field.rpartition(".")
        match about:
            case "stack":
                return name == "revision" and bool(self.changes)
            case "configuration":
                return any(
                    entry.kind == subject.partition("[")[0]
                    and change.field == name
                    and change.after in values
                    for entry in self.changes
                    for change in entry.changes
                )
            case "parameters":
                return bool(subject) and (about, name, values) in self.differences
        return False


MOST_COMPARED = 12
"""The largest number of runs in a comparison."""


class Changes(Protocol):
    """Reads changes of stacks and components."""

    def between(
        self, stacks: Sequence[str], components: Sequence[str], after: int, before: int
    ) -> list[HistoryEntry]:
        """List the changes between two positions, newest first.

        Args:
            stacks: Ids of stacks. Their changes and those of components they contained at the time
                are listed; with several stacks, activations are listed too.
            components: Ids of further components.
            after: The earlier position, exclusive.
            before: The later position, exclusive.
        """
        ...


class SmallValues(Protocol):
    """Reads small values of outputs."""

    def __call__(self, artifacts: Sequence[ArtifactView]) -> Mapping[str, Any]:
        """Return digest → value, for those of some artifacts that are small and near."""
        ...


class RunDiffs:
    """Compares runs."""

    def __init__(self, queries: RunQueries, changes: Changes, small_values: SmallValues) -> None:
        """Create the service.

        Args:
            queries: Reads runs.
            changes: Reads changes between runs.
            small_values: Reads values of outputs.
        """
        self._queries = queries
        self._changes = changes
        self._small_values = small_values

    def diff(self, before: str, after: str) -> RunDiff:
        """Compare two runs, each given by a reference as in `Runs`.

        Raises:
            NotFound: A run does not exist.
            Ambiguous: A reference is a prefix of several.
        """
        runs, compared, changes, values = self.compare((before, after))
        fields = [RunDifference(each.about, each.field, *each.values) for each in compared]
        return RunDiff(runs[0], runs[1], fields, changes, values)

    def compare(self, references: Sequence[str]) -> RunComparison:
        """Compare runs, each given by a reference as in `Runs`.

        Raises:
            Invalid: There are less than two, or too many.
            NotFound: A run does not exist.
            Ambiguous: A reference is a prefix of several.
        """
        if not 2 <= len(references) <= MOST_COMPARED:
            raise Invalid(f"give 2 to {MOST_COMPARED} runs to compare, not {len(references)}")
        runs = [self._queries.describe_run(each) for each in references]
        compared = _differences(runs)
        positions = [run.position for run in runs]
        return RunComparison(
            [_view(run) for run in runs],
            compared,
            self._changes.between(
                sorted({run.pin["stack_id"] for run in runs}),
                sorted({each["id"] for run in runs for each in components_of(run)}),
                min(positions),
                max(positions),
            ),
            self._values(runs, compared),
        )

    def _values(
        self, runs: Sequence[RunDescription], compared: Sequence[ComparedField]
    ) -> dict[str, Any]:
        digests = {value for each in compared if each.about in DOWNSTREAM for value in each.values}
        outputs = {
            output.digest: output
            for run in runs
            for step in run.steps
            for output in step.outputs
            if output.digest in digests
        }
        return dict(self._small_values([*outputs.values()])) if outputs else {}


def _view(run: RunDescription) -> RunView:
    view = RunView(**{field: getattr(run, field) for field in RunView._fields})
    own = metrics_in(run.metadata, {step.name: step.metadata for step in run.steps})
    view.lazy_metrics = LazyMetrics([run.id], lambda _: {run.id: own})
    return view


def _differences(runs: Sequence[RunDescription]) -> list[ComparedField]:
    facts = facts_of(runs)
    first, *others = facts
    return [
        ComparedField(about, field, tuple(each[about].get(field) for each in facts))
        for about in first
        for field in dict.fromkeys(
            change.field for other in others for change in differences(first[about], other[about])
        )
    ]
