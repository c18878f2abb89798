"""Metrics: the numbers in the metadata of runs and steps, and the names they are shown by."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_TRACKED = "metrics"
"""The key in the metadata of a step with the metrics that it logged to an experiment tracker."""


class Metric(NamedTuple):
    """A number in the metadata of a run or of one of its steps."""

    step: str
    """The step; empty for the metadata of the run."""
    name: str
    value: float


class MetricPoint(NamedTuple):
    """The value of a metric in one of several runs."""

    run: str
    """The id of the run."""
    run_name: str
    pipeline: str
    stack_id: str
    step: str
    """The step; empty for the metadata of the run."""
    value: float
    position: int
    """The log position of the run's first event."""
    started: str
    """When the run started: RFC 3339, UTC."""


def numbers(metadata: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The metrics in the metadata of a run or step, as pairs of name and value."""
    tracked = metadata.get(_TRACKED)
    found = {**tracked, **metadata} if isinstance(tracked, dict) else metadata
    for name, value in found.items():
        # PostgreSQL cannot store a text with the character NUL.
        if type(value) in (int, float) and "\0" not in name:
            yield name, float(value)


def metrics_in(own: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> list[Metric]:
    """The metrics of a run and its steps.

    Args:
        own: The metadata of the run.
        steps: Step → its metadata.
    """
    return [
        Metric(step, *each)
        for step, metadata in {"": own, **steps}.items()
        for each in numbers(metadata)
    ]


def ambiguous(runs: Iterable[Sequence[Metric]]) -> set[str]:
    """The names that one of several runs has more than once: in several steps, or its own too."""
    found: set[str] = set()
    for metrics in runs:
        seen: set[str] = set()
        for _, name, _ in metrics:
            (found if name in seen else seen).add(name)
    return found


def label(metric: Metric, several: Collection[str]) -> str:
    """The name that a metric is shown by: `auc`, or `train.auc` if the name alone is ambiguous.

    Args:
        metric: The metric.
        several: The ambiguous names.
    """
    return f"{metric.step}.{metric.name}" if metric.step and metric.name in several else metric.name


def named(metrics: Sequence[Metric]) -> dict[str, float]:
    """The metrics of one run by the names they are shown by."""
    several = ambiguous([metrics])
    return {label(each, several): each.value for each in metrics}


class LazyMetrics:
    """Reads the metrics of several runs by one query, when those of the first are asked for."""

    def __init__(
        self,
        runs: Sequence[str],
        read: Callable[[Sequence[str]], Mapping[str, Sequence[Metric]]],
    ) -> None:
        """Create it.

        Args:
            runs: The ids of the runs.
            read: Reads the metrics of runs by their ids.
        """
        self._runs, self._read = runs, read
        self._found: Mapping[str, Sequence[Metric]] | None = None

    def of(self, run: str) -> dict[str, float]:
        """The metrics of the run with an id, by the names they are shown by."""
        if self._found is None:
            self._found = self._read(self._runs)
        return named(self._found[run])
