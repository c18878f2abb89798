"""The projection of runs and their steps."""

from collections.abc import Iterator
from typing import Any

from stackfold.application.eventsourcing.projection import (
    PositionOf,
    RowChange,
    Table,
    TableProjection,
)
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.domain.runs.run import Run, StepLog


def apply(  # noqa: PLR0912  # one case for each event
    event: Run.Event, position: int, recorded_at: str
) -> Iterator[RowChange]:
    """The changes of rows that an event makes; steps without a row have not begun."""
    run = {"id": str(event.originator_id)}
    match event:
        case Run.Started():
            yield RowChange("insert", "runs", run, _started(event, position, recorded_at))
        case Run.StepCompleted():
            yield RowChange("insert", "steps", _key(event), _completed(event))
        case Run.StepFailed():
            yield RowChange("insert", "steps", _key(event), _failed(event))
        case Run.StepCancelled():
            yield RowChange("insert", "steps", _key(event), _cancelled(event))
        case Run.StepsSkipped():
            for step in event.steps:
                values = {**_NOTHING, "status": "skipped", "error": event.reason}
                yield RowChange("insert", "steps", {"run": run["id"], "name": step}, values)
        case Run.Submitted():
            to = {"orchestrator": event.orchestrator, "reference": event.reference}
            yield RowChange(
                "update", "runs", run, {"submitted": canonical_json({**to, "url": event.url})}
            )
        case Run.Completed():
            yield RowChange("update", "runs", run, {"status": "completed", "ended": recorded_at})
        case Run.Failed():
            values = {"status": "failed", "ended": recorded_at, "error": event.error}
            yield RowChange("update", "runs", run, values)
        case Run.Cancelled():
            values = {"status": "cancelled", "ended": recorded_at, "error": event.reason}
            yield RowChange("update", "runs", run, values)
        case Run.Resumed():
            for step in event.redone:
                yield RowChange("delete", "steps", {"run": run["id"], "name": step})
            values = {"status": "running", "ended": None, "error": "", "submitted": None}
            yield RowChange("update", "runs", run, values)
        case Run.Annotated():
            values = {
                "tags": canonical_json(event.tags),
                "metadata": canonical_json(event.metadata),
            }
            yield RowChange("update", "runs", run, values)
        case Run.Deleted():
            yield RowChange("delete", "steps", {"run": run["id"]})
            yield RowChange("delete", "runs", run)


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
        "parameters": canonical_json(event.parameters),
        "parameter_form": event.parameter_form,
        "configuration": canonical_json(event.configuration),
        "graph": canonical_json(graph),
        "pin": canonical_json(event.pin.model_dump(mode="json")),
        "rerun_of": str(event.rerun_of) if event.rerun_of else None,
        "environment": canonical_json(event.environment.model_dump(mode="json")),
        "tags": canonical_json(event.tags),
        "metadata": canonical_json(event.metadata),
    }


_NOTHING: dict[str, Any] = {
    "started": None,
    "ended": None,
    "error": "",
    "traceback": "",
    "parameters": "{}",
    "parameter_form": "exact",
    "inputs": "{}",
    "retried": "[]",
    "log": None,
    "key": "",
    "cached_from": None,
    "metadata": "{}",
    "tags": "[]",
}
"""What is known of a step that did nothing."""


def _completed(event: Run.StepCompleted) -> dict[str, Any]:
    taken = {name: str(id) for name, id in event.inputs.items()}
    return {
        **_NOTHING,
        "status": "cached" if event.cached_from else "completed",
        "started": to_rfc3339(event.started),
        "ended": to_rfc3339(event.ended or event.timestamp),
        "parameters": canonical_json(event.parameters) if event.parameters else "{}",
        "parameter_form": event.parameter_form,
        "inputs": canonical_json(taken) if taken else "{}",
        "retried": canonical_json(event.retried) if event.retried else "[]",
        "log": _log(event.log),
        "key": event.key,
        "cached_from": str(event.cached_from) if event.cached_from else None,
        "metadata": canonical_json(event.metadata) if event.metadata else "{}",
        "tags": canonical_json(event.tags) if event.tags else "[]",
    }


def _failed(event: Run.StepFailed) -> dict[str, Any]:
    return {
        **_NOTHING,
        "status": "failed",
        "started": to_rfc3339(event.started),
        "ended": to_rfc3339(event.ended or event.timestamp),
        "error": event.error,
        "traceback": event.traceback,
        "retried": canonical_json(event.retried),
        "log": _log(event.log),
        "metadata": canonical_json(event.metadata),
        "tags": canonical_json(event.tags),
    }


def _cancelled(event: Run.StepCancelled) -> dict[str, Any]:
    return {
        **_NOTHING,
        "status": "cancelled",
        "started": to_rfc3339(event.started),
        "ended": to_rfc3339(event.ended or event.timestamp),
        "error": event.reason,
        "log": _log(event.log),
    }


def _log(log: StepLog | None) -> str | None:
    return canonical_json(log.model_dump(mode="json")) if log else None


def _key(event: Run.StepCompleted | Run.StepFailed | Run.StepCancelled) -> dict[str, Any]:
    return {"run": str(event.originator_id), "name": event.step}


RUN_TABLES = TableProjection(
    tables=(
        Table(
            "runs",
            {
                "id": "TEXT",
                "position": "INTEGER",
                "name": "TEXT",
                "pipeline": "TEXT",
                "source": "TEXT",
                "import_root": "TEXT",
                "stack": "TEXT",
                "stack_id": "TEXT",
                "stack_revision": "INTEGER",
                "fingerprint": "TEXT",
                "status": "TEXT",
                "started": "TEXT",
                "ended": "TEXT NULL",
                "error": "TEXT",
                "by": "TEXT",
                "why": "TEXT",
                "parameters": "TEXT",
                "graph": "TEXT",
                "pin": "TEXT",
                "configuration": "TEXT",
                "rerun_of": "TEXT NULL",
                "environment": "TEXT",
                "tags": "TEXT",
                "metadata": "TEXT",
                "submitted": "TEXT NULL",
                "parameter_form": "TEXT",
            },
            primary_key=("id",),
            position="position",
            indexes=(("position",), ("name",), ("pipeline", "position")),
        ),
        Table(
            "steps",
            {
                "run": "TEXT",
                "name": "TEXT",
                "status": "TEXT",
                "started": "TEXT NULL",
                "ended": "TEXT NULL",
                "error": "TEXT",
                "traceback": "TEXT",
                "parameters": "TEXT",
                "inputs": "TEXT",
                "retried": "TEXT",
                "log": "TEXT NULL",
                "key": "TEXT",
                "cached_from": "TEXT NULL",
                "metadata": "TEXT",
                "tags": "TEXT",
                "parameter_form": "TEXT",
            },
            primary_key=("run", "name"),
            position=PositionOf("runs", "run"),
            indexes=(("key", "ended"),),
        ),
    ),
    apply=apply,
)
