"""Which artifacts are there, and what flowed into and out of which step?"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from stackfold.application.eventsourcing.projection import Derived, TableProjection, Write
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.run import Run

_PIPELINE = "SELECT pipeline FROM {schema}.runs WHERE id = ?"
_NEXT = (
    "SELECT coalesce(max(version), 0) + 1 FROM {schema}.artifacts "
    "WHERE pipeline = (SELECT pipeline FROM {schema}.runs WHERE id = ?) AND step = ? AND name = ?"
)


def fold(event: Run.Event, position: int, recorded_at: str) -> Iterator[Write]:
    """What an event writes.

    An artifact's row stays when its run is deleted: a version number never means another value.
    It is there as long as it flows out of a step.
    """
    run = str(event.originator_id)
    match event:
        case Run.StepCompleted():
            for place, artifact in enumerate(event.outputs):
                # A step from the cache has the outputs of the run that made them.
                if event.cached_from is None:
                    values = _artifact(event, position, place, artifact)
                    yield Write("insert", "artifacts", values, {"id": str(artifact.id)})
                yield _flow(run, event.step, "out", artifact.name, place, str(artifact.id))
            # By name: the log does not keep their order.
            for place, (name, id) in enumerate(sorted(event.inputs.items())):
                yield _flow(run, event.step, "in", name, place, str(id))
        case Run.Resumed():
            for step in event.redone:
                yield Write("delete", "flows", {}, {"run": run, "step": step})
        case Run.Deleted():
            yield Write("delete", "flows", {}, {"run": run})


def _flow(run: str, step: str, direction: str, name: str, place: int, artifact: str) -> Write:
    key = {"run": run, "step": step, "direction": direction, "name": name, "place": place}
    return Write("insert", "flows", {"artifact": artifact}, key)


def _artifact(
    event: Run.StepCompleted, position: int, place: int, artifact: Artifact
) -> dict[str, Any]:
    run = str(event.originator_id)
    return {
        "run": run,
        "pipeline": Derived(_PIPELINE, (run,)),
        "step": event.step,
        "place": place,
        "name": artifact.name,
        "version": Derived(_NEXT, (run, event.step, artifact.name)),
        "position": position,
        "type": artifact.type,
        "materializer": artifact.materializer,
        "uri": artifact.uri,
        "digest": artifact.digest,
        "size": artifact.size,
        "versions": json.dumps(artifact.versions, sort_keys=True) if artifact.versions else "{}",
        "created": _text(event.timestamp),
        "metadata": json.dumps(artifact.metadata, sort_keys=True) if artifact.metadata else "{}",
        "tags": json.dumps(artifact.tags) if artifact.tags else "[]",
    }


def _text(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as the log writes its own times."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


ARTIFACTS = TableProjection(
    tables={
        # The constraint is also the index by which the next version is found, while a rebuild
        # goes on too.
        "artifacts": "id TEXT PRIMARY KEY, run TEXT NOT NULL, pipeline TEXT NOT NULL, "
        "step TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, "
        "version INTEGER NOT NULL, position INTEGER NOT NULL, type TEXT NOT NULL, "
        "materializer TEXT NOT NULL, uri TEXT NOT NULL, digest TEXT NOT NULL, "
        "size INTEGER NOT NULL, versions TEXT NOT NULL, created TEXT NOT NULL, "
        "metadata TEXT NOT NULL, tags TEXT NOT NULL, "
        "UNIQUE (pipeline, step, name, version)",
        "flows": "run TEXT NOT NULL, step TEXT NOT NULL, direction TEXT NOT NULL, "
        "name TEXT NOT NULL, place INTEGER NOT NULL, artifact TEXT NOT NULL, "
        "PRIMARY KEY (run, step, direction, name, place)",
    },
    indexes=("artifacts (position)", "artifacts (digest)", "flows (artifact, direction)"),
    fold=fold,
    events=frozenset({Run.StepCompleted, Run.Resumed, Run.Deleted}),
)
