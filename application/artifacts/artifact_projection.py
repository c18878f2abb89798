"""The projection of artifacts, and of what flows into and out of steps."""

from collections.abc import Iterator
from typing import Any

from stackfold.application.eventsourcing.projection import (
    Lookup,
    NextNumber,
    PositionOf,
    RowChange,
    Table,
    TableProjection,
)
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.run import Run


def apply(event: Run.Event, position: int, recorded_at: str) -> Iterator[RowChange]:
    """The changes of rows that an event makes.

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
                    yield RowChange("insert", "artifacts", {"id": str(artifact.id)}, values)
                yield _flow(run, event.step, "out", artifact.name, place, str(artifact.id))
            # By name: the log does not keep their order.
            for place, (name, id) in enumerate(sorted(event.inputs.items())):
                yield _flow(run, event.step, "in", name, place, str(id))
        case Run.Resumed():
            for step in event.redone:
                yield RowChange("delete", "flows", {"run": run, "step": step})
        case Run.Deleted():
            yield RowChange("delete", "flows", {"run": run})


def _flow(run: str, step: str, direction: str, name: str, place: int, artifact: str) -> RowChange:
    key = {"run": run, "step": step, "direction": direction, "name": name, "place": place}
    return RowChange("insert", "flows", key, {"artifact": artifact})


def _artifact(
    event: Run.StepCompleted, position: int, place: int, artifact: Artifact
) -> dict[str, Any]:
    run = str(event.originator_id)
    return {
        "run": run,
        "pipeline": Lookup("runs", "pipeline", run),
        "step": event.step,
        "place": place,
        "name": artifact.name,
        "version": NextNumber(("pipeline", "step", "name")),
        "position": position,
        "type": artifact.type,
        "materializer": artifact.materializer,
        "uri": artifact.uri,
        "digest": artifact.digest,
        "size": artifact.size,
        "versions": _json(artifact.versions) if artifact.versions else "{}",
        "created": to_rfc3339(event.timestamp),
        "metadata": _json(artifact.metadata) if artifact.metadata else "{}",
        "tags": _json(artifact.tags) if artifact.tags else "[]",
    }


def _json(value: Any) -> str:
    return canonical_json(value, ascii=True, spaces=True)


ARTIFACT_TABLES = TableProjection(
    tables=(
        Table(
            "artifacts",
            {
                "id": "TEXT",
                "run": "TEXT",
                "pipeline": "TEXT",
                "step": "TEXT",
                "place": "INTEGER",
                "name": "TEXT",
                "version": "INTEGER",
                "position": "INTEGER",
                "type": "TEXT",
                "materializer": "TEXT",
                "uri": "TEXT",
                "digest": "TEXT",
                "size": "INTEGER",
                "versions": "TEXT",
                "created": "TEXT",
                "metadata": "TEXT",
                "tags": "TEXT",
            },
            primary_key=("id",),
            position="position",
            # It is also the index that the next version is found by, during a rebuild as well.
            unique=(("pipeline", "step", "name", "version"),),
            indexes=(("position",), ("digest",)),
        ),
        Table(
            "flows",
            {
                "run": "TEXT",
                "step": "TEXT",
                "direction": "TEXT",
                "name": "TEXT",
                "place": "INTEGER",
                "artifact": "TEXT",
            },
            primary_key=("run", "step", "direction", "name", "place"),
            position=PositionOf("runs", "run"),
            indexes=(("artifact", "direction"),),
        ),
    ),
    apply=apply,
)
