"""Run reader: one method per query on runs."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.runs.live_steps import with_running
from stackfold.application.runs.metrics import Metric, MetricPoint
from stackfold.application.runs.run_lists import RunList
from stackfold.application.runs.run_views import (
    NEWEST_FIRST,
    RunDescription,
    RunQueries,
    RunStatus,
    RunView,
    StepView,
)
from stackfold.application.runs.services import RunServices
from stackfold.application.runs.where import parse_where

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_views import ArtifactView


@checked
class RunReader:
    """Queries on runs; `Runs` adds the commands.

    A `reference` is as in `Runs`.
    """

    def __init__(self, queries: RunQueries, services: RunServices) -> None:
        """Create the service.

        Args:
            queries: Reads runs.
            services: Creates what commands need, on first use.
        """
        self._queries = queries
        self._services = services

    def list(
        self,
        listing: Listing = NEWEST_FIRST,
        *,
        where: str = "",
        pipeline: str | None = None,
        stack: str | None = None,
        status: RunStatus | None = None,
        sort_by: str | None = None,
        limit: int | None = None,
    ) -> RunList:
        """List runs, newest first.

            ws.runs.list(pipeline="train", where="auc > 0.9 and param.lr < 0.1", sort_by="-auc")

        Args:
            listing: Filters, order and page; the other arguments are added to it.
            where: Conditions on metrics, parameters, metadata, tags and columns, joined by "and";
                see `application.runs.where`.
            pipeline: Only runs of the pipeline with this name.
            stack: Only runs on the stack that had this name.
            status: Only runs of this status.
            sort_by: A column or metric, descending after "-". Runs without the metric are last.
            limit: The largest number of runs.

        Raises:
            InvalidListing: There is no such column or metric.
            Invalid: The conditions are not of this form.
        """
        equal = {"pipeline": pipeline, "stack": stack, "status": status}
        wanted = listing._replace(
            where=(
                *listing.where,
                *(Condition(name, "equals", text) for name, text in equal.items() if text),
            )
        )
        if sort_by is not None:
            descending = sort_by.startswith("-")
            wanted = wanted._replace(sort_by=sort_by[descending:], descending=descending)
        if limit is not None:
            wanted = wanted._replace(size=min(limit, wanted.size or limit))
        return RunList(self._queries.runs(wanted, parse_where(where)), self._queries)

    def get(self, reference: str) -> RunView:
        """Return one run.

        Args:
            reference: The run, such as "train-1f0c2a9b" or "latest".

        Raises:
            NotFound: The run does not exist.
            Ambiguous: The reference is a prefix of several runs.
        """
        return self._queries.run(reference)

    def previous(self, reference: str, status: RunStatus | None = None) -> RunView | None:
        """Return the run before a run, of the same pipeline and on the same stack.

        The stack is the same if it was renamed or changed in between.

        Args:
            reference: The run.
            status: Only runs of this status: with "completed", the last good one.

        Raises:
            NotFound: The run does not exist.
            Ambiguous: The reference is a prefix of several runs.
        """
        return self._queries.previous(reference, status)

    def metrics(self, reference: str) -> Sequence[Metric]:
        """Return the numbers in the metadata of a run and its steps; raises as `get`.

        They are the numbers at the top, and those in `metrics`, where trackers record them.
        """
        id = self.get(reference).id
        return self._queries.metrics([id])[id]

    def metrics_of(self, runs: Collection[str]) -> Mapping[str, Sequence[Metric]]:
        """Return the metrics of several runs by one query, such as those of a page of a list.

        Args:
            runs: The ids of the runs.

        Returns:
            Id → metrics, for each of the ids.
        """
        return self._queries.metrics(runs)

    def parameters_of(
        self, runs: Collection[str], steps: Collection[str] = ()
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the parameters of several runs by one query, such as those of a page of a list.

        Args:
            runs: The ids of the runs.
            steps: Steps whose parameters are returned too, as "step.name".

        Returns:
            Id → name → value, for each of the ids.
        """
        return self._queries.parameters(runs, steps)

    def course(
        self,
        metric: str,
        *,
        pipeline: str | None = None,
        stack_id: str | None = None,
        limit: int = 100,
    ) -> Sequence[MetricPoint]:
        """Return the values of a metric in several runs, the latest run first.

        Args:
            metric: Its name, such as "auc".
            pipeline: Only runs of the pipeline with this name.
            stack_id: Only runs on the stack with this id, whatever its name was.
            limit: The largest number of values.
        """
        return self._queries.course(metric, pipeline, stack_id, limit)

    def describe(self, reference: str) -> RunDescription:
        """Return a run with its steps and its pin; raises as `get`."""
        return with_running(self._queries.describe_run(reference), self._services.live_steps)

    def steps(self, reference: str) -> Sequence[StepView]:
        """Return the steps of a run in topological order; raises as `get`."""
        return self.describe(reference).steps

    def artifacts(self, reference: str) -> "Sequence[ArtifactView]":
        """Return the artifacts that a run produced, oldest first; raises as `get`."""
        return self._queries.artifacts(self.get(reference).id)
