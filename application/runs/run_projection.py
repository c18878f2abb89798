"""The projection of runs and their steps."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import (
    Delete,
    Insert,
    PositionOf,
    RowChange,
    Table,
    TableProjection,
    Update,
)
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.domain.runs.run import Run, StepLog


class RunRow(NamedTuple):
    """A run."""

    id: str
    position: int
    name: str
    pipeline: str
    source: str
    import_root: str
    stack: str
    stack_id: str
    stack_revision: int
    fingerprint: str
    status: str
    started: str
    ended: str | None
    error: str
    by: str
    why: str
    parameters: dict[str, Any]
    graph: list[dict[str, Any]]
    pin: dict[str, Any]
    configuration: dict[str, Any]
    rerun_of: str | None
    environment: dict[str, Any]
    tags: list[str]
    metadata: dict[str, Any]
    submitted: dict[str, Any] | None
    """The orchestrator that the run was submitted to, its reference and its URL."""
    parameter_form: str
    pinned_artifacts: dict[str, Any]
    """Reference → the artifact of an earlier run that steps take."""
    model_version: str | None
    """The id of the version of a model that it makes or continues."""
    returns: dict[str, Any] | None
    """The outputs that the pipeline function returned."""


class StepRow(NamedTuple):
    """A step of a run that has ended, or was skipped."""

    run: str
    name: str
    status: str
    started: str | None = None
    ended: str | None = None
    error: str = ""
    traceback: str = ""
    parameters: Mapping[str, Any] = {}
    inputs: Mapping[str, str] = {}
    """Input → the id of the artifact."""
    retried: tuple[str, ...] = ()
    """The errors of the attempts before the last one."""
    log: dict[str, Any] | None = None
    key: str = ""
    cached_from: str | None = None
    metadata: Mapping[str, Any] = {}
    tags: tuple[str, ...] = ()
    parameter_form: str = "exact"
    model: Mapping[str, Any] = {}
    """The declaration of the model that it asked for a version of; empty for none."""


class StepAnnotationRow(NamedTuple):
    """The tags and the metadata of a step, if they were changed after it recorded its own."""

    run: str
    step: str
    tags: list[str]
    metadata: dict[str, Any]


class ScheduledRunRow(NamedTuple):
    """The run that was started for a time of a schedule; it stays when the run is deleted."""

    schedule: str
    """The id of the schedule."""
    time: str
    """RFC 3339, UTC; or "#" and the position of an event."""
    run: str
    position: int


RUNS = Table(
    "runs",
    RunRow,
    primary_key=("id",),
    position="position",
    indexes=(
        ("position",),
        ("name",),
        ("pipeline", "position"),
        ("stack_id", "position"),
        ("status", "position"),
        ("model_version",),
    ),
)
STEPS = Table(
    "steps",
    StepRow,
    primary_key=("run", "name"),
    position=PositionOf(RUNS, "run"),
    indexes=(("key", "ended"),),
)
STEP_ANNOTATIONS = Table(
    "step_annotations",
    StepAnnotationRow,
    primary_key=("run", "step"),
    position=PositionOf(RUNS, "run"),
)
SCHEDULED_RUNS = Table(
    "scheduled_runs",
    ScheduledRunRow,
    primary_key=("schedule", "time"),
    position="position",
    indexes=(("run",), ("schedule", "position")),
)


def apply(  # noqa: PLR0912  # one case for each event
    event: Run.Event, position: int, recorded_at: str
) -> Iterator[RowChange]:
    """The changes of rows that an event makes; a step has a row once it has ended."""
    run = {"id": str(event.originator_id)}
    match event:
        case Run.Started():
            yield Insert(RUNS, {**run, **_started(event, position, recorded_at)})
            if event.occurrence:
                schedule, time = str(event.occurrence.schedule), event.occurrence.time
                row = ScheduledRunRow(schedule, time, run["id"], position)
                yield Insert(SCHEDULED_RUNS, row._asdict())
        case Run.StepCompleted():
            yield _step(_completed(event))
        case Run.ModelLinked():
            yield Update(RUNS, run, {"model_version": str(event.model_version)})
        case Run.StepFailed():
            yield _step(_failed(event))
        case Run.StepCancelled():
            yield _step(_cancelled(event))
        case Run.StepsSkipped():
            for step in event.steps:
                yield _step(StepRow(run["id"], step, "skipped", error=event.reason))
        case Run.Submitted():
            to = {"orchestrator": event.orchestrator, "reference": event.reference}
            yield Update(RUNS, run, {"submitted": {**to, "url": event.url}})
        case Run.Completed():
            yield Update(RUNS, run, {"status": "completed", "ended": recorded_at})
        case Run.Failed():
            values = {"status": "failed", "ended": recorded_at, "error": event.error}
            yield Update(RUNS, run, values)
        case Run.Cancelled():
            values = {"status": "cancelled", "ended": recorded_at, "error": event.reason}
            yield Update(RUNS, run, values)
        case Run.Resumed():
            for step in event.redone:
                yield Delete(STEPS, {"run": run["id"], "name": step})
            again = {"status": "running", "ended": None, "error": "", "submitted": None}
            yield Update(RUNS, run, again)
        case Run.Annotated():
            yield Update(RUNS, run, {"tags": event.tags, "metadata": event.metadata})
        case Run.StepAnnotated():
            # Not in the row of the step, which the cache takes for other runs.
            step = {"run": run["id"], "step": event.step}
            yield Delete(STEP_ANNOTATIONS, step)
            yield Insert(STEP_ANNOTATIONS, {**step, "tags": event.tags, "metadata": event.metadata})
        case Run.Deleted():
            yield Delete(STEPS, {"run": run["id"]})
            yield Delete(STEP_ANNOTATIONS, {"run": run["id"]})
            yield Delete(RUNS, run)


def _started(event: Run.Started, position: int, recorded_at: str) -> dict[str, Any]:
    graph = [
        each.model_dump(mode="json")
        | {"code_form": event.code_form, "opaque": event.opaque.get(each.name, ())}
        for each in event.steps
    ]
    return {
        "position": position,
        "name": event.name,
        "pipeline": event.pipeline,
        "source": event.source,
        "import_root": event.import_root,
        "stack": event.pin.stack,
        "stack_id": str(event.pin.stack_id),
        "stack_revision": event.pin.revision,
        "fingerprint": event.fingerprint,
        "status": "running",
        "started": recorded_at,
        "error": "",
        "by": event.event_metadata.by if event.event_metadata else "",
        "why": event.event_metadata.why if event.event_metadata else "",
        "parameters": event.parameters,
        "parameter_form": event.parameter_form,
        "configuration": event.configuration,
        "graph": graph,
        "pin": event.pin.model_dump(mode="json"),
        "rerun_of": str(event.rerun_of) if event.rerun_of else None,
        "environment": event.environment.model_dump(mode="json"),
        "tags": event.tags,
        "metadata": event.metadata,
        "pinned_artifacts": {
            text: each.model_dump(mode="json") for text, each in event.references.items()
        },
        "model_version": str(event.model_version) if event.model_version else None,
        "returns": event.returns.model_dump(mode="json") if event.returns else None,
    }


def _step(row: StepRow) -> Insert:
    return Insert(STEPS, row._asdict())


def _completed(event: Run.StepCompleted) -> StepRow:
    return StepRow(
        str(event.originator_id),
        event.step,
        "cached" if event.cached_from else "completed",
        to_rfc3339(event.started),
        to_rfc3339(event.ended or event.timestamp),
        parameters=event.parameters,
        parameter_form=event.parameter_form,
        inputs={name: str(id) for name, id in event.inputs.items()},
        retried=event.retried,
        log=_log(event.log),
        key=event.key,
        cached_from=str(event.cached_from) if event.cached_from else None,
        metadata=event.metadata,
        tags=event.tags,
        model=event.model,
    )


def _failed(event: Run.StepFailed) -> StepRow:
    return StepRow(
        str(event.originator_id),
        event.step,
        "failed",
        to_rfc3339(event.started),
        to_rfc3339(event.ended or event.timestamp),
        error=event.error,
        traceback=event.traceback,
        retried=event.retried,
        log=_log(event.log),
        metadata=event.metadata,
        tags=event.tags,
    )


def _cancelled(event: Run.StepCancelled) -> StepRow:
    return StepRow(
        str(event.originator_id),
        event.step,
        "cancelled",
        to_rfc3339(event.started),
        to_rfc3339(event.ended or event.timestamp),
        error=event.reason,
        log=_log(event.log),
    )


def _log(log: StepLog | None) -> dict[str, Any] | None:
    return log.model_dump(mode="json") if log else None


RUN_TABLES = TableProjection(tables=(RUNS, STEPS, STEP_ANNOTATIONS, SCHEDULED_RUNS), apply=apply)
