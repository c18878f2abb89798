"""Which runs were there, how did their steps fare, and what came out?"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from stackfold.application.eventsourcing.projection import TableProjection, Write
from stackfold.domain.runs.run import Run, StepLog


def fold(  # noqa: PLR0912  # one case for each event
    event: Run.Event, position: int, recorded_at: str
) -> Iterator[Write]:
    """What an event writes; the steps that were never executed are told by the run's graph."""
    run = {"id": str(event.originator_id)}
    match event:
        case Run.Started():
            yield Write("insert", "runs", _started(event, position, recorded_at), run)
        case Run.StepCompleted():
            yield Write("insert", "steps", _completed(event), _key(event))
        case Run.StepFailed():
            yield Write("insert", "steps", _failed(event), _key(event))
        case Run.StepCancelled():
            yield Write("insert", "steps", _cancelled(event), _key(event))
        case Run.StepsSkipped():
            for step in event.steps:
                values = {**_NOTHING, "status": "skipped", "error": event.reason}
                yield Write("insert", "steps", values, {"run": run["id"], "name": step})
        case Run.Submitted():
            to = {"orchestrator": event.orchestrator, "reference": event.reference}
            yield Write("update", "runs", {"submitted": _json({**to, "url": event.url})}, run)
        case Run.Completed():
            yield Write("update", "runs", {"status": "completed", "ended": recorded_at}, run)
        case Run.Failed():
            values = {"status": "failed", "ended": recorded_at, "error": event.error}
            yield Write("update", "runs", values, run)
        case Run.Cancelled():
            values = {"status": "cancelled", "ended": recorded_at, "error": event.reason}
            yield Write("update", "runs", values, run)
        case Run.Resumed():
            for step in event.redone:
                yield Write("delete", "steps", {}, {"run": run["id"], "name": step})
            values = {"status": "running", "ended": None, "error": "", "submitted": None}
            yield Write("update", "runs", values, run)
        case Run.Annotated():
            values = {"tags": _json(event.tags), "metadata": _json(event.metadata)}
            yield Write("update", "runs", values, run)
        case Run.Deleted():
            yield Write("delete", "steps", {}, {"run": run["id"]})
            yield Write("delete", "runs", {}, run)


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
        "by": event.by,
        "why": event.why,
        "parameters": _json(event.parameters),
        "parameter_form": event.parameter_form,
        "configuration": _json(event.configuration),
        "graph": _json(graph),
        "pin": _json(event.pin.model_dump(mode="json")),
        "rerun_of": str(event.rerun_of) if event.rerun_of else None,
        "environment": _json(event.environment.model_dump(mode="json")),
        "tags": _json(event.tags),
        "metadata": _json(event.metadata),
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
        "started": _text(event.started),
        "ended": _text(event.ended or event.timestamp),
        "parameters": _json(event.parameters) if event.parameters else "{}",
        "parameter_form": event.parameter_form,
        "inputs": _json(taken) if taken else "{}",
        "retried": _json(event.retried) if event.retried else "[]",
        "log": _log(event.log),
        "key": event.key,
        "cached_from": str(event.cached_from) if event.cached_from else None,
        "metadata": _json(event.metadata) if event.metadata else "{}",
        "tags": _json(event.tags) if event.tags else "[]",
    }


def _failed(event: Run.StepFailed) -> dict[str, Any]:
    return {
        **_NOTHING,
        "status": "failed",
        "started": _text(event.started),
        "ended": _text(event.ended or event.timestamp),
        "error": event.error,
        "traceback": event.traceback,
        "retried": _json(event.retried),
        "log": _log(event.log),
        "metadata": _json(event.metadata),
        "tags": _json(event.tags),
    }


def _cancelled(event: Run.StepCancelled) -> dict[str, Any]:
    return {
        **_NOTHING,
        "status": "cancelled",
        "started": _text(event.started),
        "ended": _text(event.ended or event.timestamp),
        "error": event.reason,
        "log": _log(event.log),
    }


def _log(log: StepLog | None) -> str | None:
    return _json(log.model_dump(mode="json")) if log else None


def _key(event: Run.StepCompleted | Run.StepFailed | Run.StepCancelled) -> dict[str, Any]:
    return {"run": str(event.originator_id), "name": event.step}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _text(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as the log writes its own times."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


RUNS = TableProjection(
    tables={
        "runs": "id TEXT PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL, "
        "pipeline TEXT NOT NULL, source TEXT NOT NULL, import_root TEXT NOT NULL, "
        "stack TEXT NOT NULL, "
        "stack_id TEXT NOT NULL, stack_revision INTEGER NOT NULL, fingerprint TEXT NOT NULL, "
        "status TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, error TEXT NOT NULL, "
        "by TEXT NOT NULL, why TEXT NOT NULL, parameters TEXT NOT NULL, graph TEXT NOT NULL, "
        "pin TEXT NOT NULL, configuration TEXT NOT NULL, rerun_of TEXT, environment TEXT NOT NULL, "
        "tags TEXT NOT NULL, metadata TEXT NOT NULL, submitted TEXT, parameter_form TEXT NOT NULL",
        "steps": "run TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, "
        "started TEXT, ended TEXT, error TEXT NOT NULL, "
        "traceback TEXT NOT NULL, parameters TEXT NOT NULL, inputs TEXT NOT NULL, "
        "retried TEXT NOT NULL, log TEXT, key TEXT NOT NULL, cached_from TEXT, "
        "metadata TEXT NOT NULL, tags TEXT NOT NULL, parameter_form TEXT NOT NULL, "
        "PRIMARY KEY (run, name)",
    },
    indexes=("runs (position)", "runs (name)", "runs (pipeline, position)", "steps (key, ended)"),
    fold=fold,
    events=frozenset(
        {
            Run.Started,
            Run.StepCompleted,
            Run.StepFailed,
            Run.StepCancelled,
            Run.StepsSkipped,
            Run.Submitted,
            Run.Completed,
            Run.Failed,
            Run.Cancelled,
            Run.Resumed,
            Run.Annotated,
            Run.Deleted,
        }
    ),
)
