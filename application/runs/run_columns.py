"""Metrics and parameters as columns of a list of runs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from stackfold.application.runs.metrics import Metric
from stackfold.application.runs.run_views import RunView


class RunColumn(NamedTuple):
    """A column of a list of runs."""

    name: str
    """As in conditions: "auc", "train.auc" or "param.lr"."""
    values: Mapping[str, Any]
    """The id of the run → its value; runs without one are missing."""


def metric_columns(
    names: Iterable[str], metrics: Mapping[str, Sequence[Metric]]
) -> list[RunColumn]:
    """The columns of metrics: one for each name, or one for each step if several have it.

    Args:
        names: The names, possibly after a step and a dot.
        metrics: The id of each run → its metrics.
    """
    columns = []
    for name in dict.fromkeys(names):
        found = {
            run: {each.step: each.value for each in given if _is_named(each, name)}
            for run, given in metrics.items()
        }
        if any(len(values) > 1 for values in found.values()):
            for step in sorted({step for values in found.values() for step in values}):
                of_step = {run: values[step] for run, values in found.items() if step in values}
                columns.append(RunColumn(_titled(f"{step}.{name}" if step else name), of_step))
        else:
            only = {run: value for run, values in found.items() for value in values.values()}
            columns.append(RunColumn(_titled(name), only))
    return columns


def parameter_columns(
    names: Iterable[str], parameters: Mapping[str, Mapping[str, Any]]
) -> list[RunColumn]:
    """The columns of parameters.

    Args:
        names: The names, without "param.".
        parameters: The id of each run → its parameters.
    """
    return [
        RunColumn(
            f"param.{name}",
            {run: given[name] for run, given in parameters.items() if name in given},
        )
        for name in dict.fromkeys(names)
    ]


def usual_names(runs: Iterable[Iterable[str]], most: int | None = None) -> list[str]:
    """The names that most of the runs have, the most frequent first.

    Args:
        runs: The names that each run has.
        most: The largest number of names; None for all.
    """
    counts = Counter(name for names in runs for name in {*names})
    return sorted(counts, key=lambda name: (-counts[name], name))[:most]


def _is_named(metric: Metric, name: str) -> bool:
    return name in (metric.name, f"{metric.step}.{metric.name}")


def _titled(name: str) -> str:
    """The name of a column; that of a metric may be one of the fields of runs."""
    return f"metric.{name}" if name in RunView._fields else name
