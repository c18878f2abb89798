"""Operations: runs."""

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.runs.cache_reasons import CacheReason
from stackfold.application.runs.metrics import Metric, MetricPoint
from stackfold.application.runs.run_diffs import RunDiff
from stackfold.application.runs.run_views import PipelineView, RunDescription, RunStatus, RunView
from stackfold.domain.errors import NotFound
from stackfold.web.api.listings import listing
from stackfold.web.api.operations import (
    Call,
    Limit,
    Operations,
    Page,
    PageNumber,
    Past,
    Text,
)

RUNS = Operations("runs")


@RUNS.get("/runs")
def list_runs(
    call: Call,
    *,
    pipeline: str | None = None,
    stack: str | None = None,
    stack_id: str | None = None,
    status: RunStatus | None = None,
    by: str | None = None,
    name: str | None = None,
    tag: tuple[str, ...] = (),
    since: str | None = None,
    sort: str = "-position",
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[RunView]:
    """List runs, newest first.

    Args:
        pipeline: Only runs of this pipeline.
        stack: Only runs on a stack that had this name then.
        stack_id: Only runs on the stack with this id, whatever its name was.
        status: Only runs with this status.
        by: Only runs that this actor started.
        name: Only the run of this name.
        tag: Only runs with this tag; with all, if several are given.
        since: Only runs that started at or after this point.
        sort: The field to sort by, after `-` for descending order.
        as_of: Only runs that started up to this point. Each has its current status.
    """

    def read(at: str, number: int, size: int) -> list[RunView]:
        wanted = listing(
            sort,
            number,
            size,
            tags=tag,
            until=at,
            pipeline=pipeline,
            stack=stack,
            stack_id=stack_id,
            status=status,
            by=by,
            name=name,
        )
        return [*call.workspace.runs.list(wanted._replace(since=since))]

    return call.page(as_of, page, limit, read)


@RUNS.get("/pipelines")
def list_pipelines(
    call: Call, *, sort: str = "name", page: PageNumber = 1, limit: Limit = 100
) -> Page[PipelineView]:
    """List the pipelines that have run, each with its latest run.

    Args:
        sort: The field to sort by, after `-` for descending order.
    """
    return call.page(
        None,
        page,
        limit,
        lambda _, number, size: call.workspace.pipelines.list(listing(sort, number, size)),
    )


@RUNS.get("/runs/{run}")
def get_run(call: Call, *, run: str) -> RunDescription:
    """Get a run with its steps and its pin.

    Args:
        run: The name, the id, a unique prefix of either, or a relative reference such as `latest`,
            `failed~1` or `PIPELINE~2`.
    """
    return call.workspace.runs.describe(run)


@RUNS.get("/runs/{run}/logs")
def get_run_logs(call: Call, *, run: str, step: str | None = None) -> Text:
    """Get what the steps of a run printed and logged.

    Args:
        run: The run, as for `get_run`.
        step: Only this step, whose text is unchanged; otherwise each line begins with its step.
    """
    return Text(call.workspace.runs.logs(run, step))


@RUNS.get("/runs/{run}/diff")
def diff_runs(call: Call, *, run: str, other: str) -> RunDiff:
    """Compare a run with a later one, and list the changes of configuration in between.

    Args:
        run: The earlier run, as for `get_run`.
        other: The later run.
    """
    return call.workspace.runs.diff(run, other)


@RUNS.get("/runs/{run}/metrics")
def get_run_metrics(call: Call, *, run: str) -> list[Metric]:
    """Get the numbers in the metadata of a run and its steps.

    Args:
        run: The run, as for `get_run`.
    """
    return [*call.workspace.runs.metrics(run)]


@RUNS.get("/runs/{run}/artifacts")
def get_run_artifacts(call: Call, *, run: str) -> list[ArtifactView]:
    """List the artifacts that a run produced, oldest first.

    Args:
        run: The run, as for `get_run`.
    """
    return [*call.workspace.runs.artifacts(run)]


@RUNS.get("/runs/{run}/cache")
def explain_cache(call: Call, *, run: str) -> list[CacheReason]:
    """Explain for each step of a run why it was or was not cached.

    Args:
        run: The run, as for `get_run`.
    """
    return [*call.workspace.runs.why(run)]


@RUNS.get("/runs/{run}/previous")
def get_previous_run(call: Call, *, run: str, status: RunStatus | None = None) -> RunView:
    """Get the run before a run, of the same pipeline and on the same stack.

    Args:
        run: The run, as for `get_run`.
        status: The status that it must have.
    """
    found = call.workspace.runs.previous(run, status)
    if found is None:
        raise NotFound("run", f"before {run}")
    return found


@RUNS.get("/metrics/{metric}")
def get_course(
    call: Call,
    *,
    metric: str,
    pipeline: str | None = None,
    stack: str | None = None,
    limit: Limit = 100,
) -> list[MetricPoint]:
    """Get the values of a metric in several runs, the latest run first.

    Args:
        metric: The name of the metric.
        pipeline: Only runs of this pipeline.
        stack: Only runs on this stack.
        limit: The most values.
    """
    stack_id = None if stack is None else call.workspace.stacks.get(stack).id
    return [*call.workspace.runs.course(metric, pipeline=pipeline, stack_id=stack_id, limit=limit)]
