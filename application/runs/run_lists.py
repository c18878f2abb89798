"""RunList: a list of runs, which can become a table of pandas."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stackfold.application.runs.run_columns import (
    RunColumn,
    metric_columns,
    parameter_columns,
    usual_names,
)
from stackfold.application.runs.run_views import RunView, readable

if TYPE_CHECKING:
    from stackfold.application.runs.run_views import RunQueries


class RunList(list[RunView]):
    """A list of runs."""

    def __init__(self, runs: Iterable[RunView], queries: "RunQueries") -> None:
        """Create it.

        Args:
            runs: The runs.
            queries: Reads their metrics and parameters.
        """
        super().__init__(runs)
        self._queries = queries

    def to_pandas(self) -> Any:
        """Return the runs as a `pandas.DataFrame`, with columns for metrics and parameters.

        A metric is a column "auc", or "train.auc" if several steps of a run have it; a parameter
        of the pipeline is a column "param.lr". Times are timestamps.

        Raises:
            Unavailable: pandas is not installed.
        """
        columns: dict[str, list[Any]] = {
            field: [getattr(run, field) for run in self] for field in RunView._fields
        }
        ids = [run.id for run in self]
        for column in self._columns(ids):
            columns[column.name] = [readable(column.values.get(id)) for id in ids]
        return self._queries.data_frame(columns, times=("started", "ended"))

    def _columns(self, ids: list[str]) -> list[RunColumn]:
        metrics = self._queries.metrics(ids)
        parameters: Mapping[str, Mapping[str, Any]] = self._queries.parameters(ids)
        names = [[each.name for each in given] for given in metrics.values()]
        return [
            *metric_columns(usual_names(names), metrics),
            *parameter_columns(usual_names(parameters.values()), parameters),
        ]
