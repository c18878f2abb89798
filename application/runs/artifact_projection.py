"""The projection of artifacts, and of what flows into and out of steps."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import (
    Delete,
    Insert,
    Lookup,
    NextNumber,
    PositionOf,
    RowChange,
    Table,
    TableProjection,
)
from stackfold.application.runs.run_projection import RUNS
from stackfold.domain.pipelines.given_values import input_of
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.domain.runs.artifact import Artifact, OwnName
from stackfold.domain.runs.run import Run


class ArtifactRow(NamedTuple):
    """An artifact."""

    id: str
    run: str
    """The id of the run that produced it; empty, as are pipeline and step, if none did."""
    pipeline: str
    step: str
    ordinal: int
    """Its index among the outputs of the step."""
    name: str
    version: int
    """Counts the artifacts of one pipeline, step and name, from 1."""
    position: int
    type: str
    materializer: str
    uri: str
    digest: str
    size: int
    """Bytes; of a folder, those of its files together."""
    files: int | None
    """The number of files in a folder."""
    manifest: int | None
    """Bytes of the manifest of a folder."""
    preview: dict[str, Any] | None
    """Where the preview is that its materializer made: address, digest and size."""
    versions: dict[str, str]
    """Package → the version that it was written with."""
    created: str
    metadata: dict[str, Any]
    tags: list[str]


class FlowRow(NamedTuple):
    """An input or output of a step, or an external artifact."""

    run: str
    """The id of the run, or of the external artifact."""
    step: str
    """Empty for an external artifact."""
    direction: str
    """"in" or "out"; "used" if the step loaded it, "saved" if it saved it while it was running;
    "given" if it is a value that the pipeline function gave to the step."""
    name: str
    """The input or output; the reference of what was "used"."""
    ordinal: int
    """Its index among the inputs or outputs of the step, or the saved artifacts of that name."""
    artifact: str
    """The id of the artifact."""


class NameRow(NamedTuple):
    """A version of an artifact with a name of its own."""

    artifact: str
    """The id of the artifact."""
    name: str
    version: int
    """Counts the artifacts of one name, from 1."""
    label: str
    """A text that names the version; empty for none."""
    position: int


ARTIFACTS = Table(
    "artifacts",
    ArtifactRow,
    primary_key=("id",),
    position="position",
    # Also the index that the next version is found by, including during a rebuild.
    unique=(("pipeline", "step", "name", "version"),),
    indexes=(("position",), ("digest",)),
)
ARTIFACT_VERSIONS = Table(
    "artifact_versions",
    NameRow,
    primary_key=("artifact",),
    position="position",
    unique=(("name", "version"),),
)
FLOWS = Table(
    "flows",
    FlowRow,
    primary_key=("run", "step", "direction", "name", "ordinal"),
    position=PositionOf(RUNS, "run"),
    indexes=(("artifact", "direction"),),
)


def apply(  # noqa: PLR0912  # one case for each event
    event: Run.Event, position: int, recorded_at: str
) -> Iterator[RowChange]:
    """The changes of rows that an event makes.

    An artifact's row stays when its run is deleted, so that a version number is never reused. It
    exists for users as long as it flows out of a step.
    """
    run = str(event.originator_id)
    match event:
        case Run.Started():
            for text, pinned in event.references.items():
                if taker := input_of(text):
                    new = pinned.artifact
                    if pinned.reference == text:
                        yield inserted_artifact(new, position, event.timestamp, run, taker[0])
                    yield flow_row(run, taker[0], "given", new.name, 0, str(new.id))
        case Run.StepCompleted():
            for ordinal, artifact in enumerate(event.outputs):
                # A step from the cache has the outputs of the run that produced them.
                if event.cached_from is None:
                    yield _of_step(event, position, ordinal, artifact)
                    if own := event.names.get(artifact.name):
                        yield inserted_version(artifact, own, position)
                yield flow_row(run, event.step, "out", artifact.name, ordinal, str(artifact.id))
            # By name: the log does not record their order.
            for ordinal, (name, id) in enumerate(sorted(event.inputs.items())):
                yield flow_row(run, event.step, "in", name, ordinal, str(id))
        case Run.ArtifactSaved():
            yield _of_step(event, position, 0, event.artifact)
            yield inserted_version(event.artifact, event.own, position)
            number = NextNumber(("run", "step", "direction", "name"))
            new = event.artifact
            yield flow_row(run, event.step, "saved", new.name, number, str(new.id))
        case Run.ArtifactsLinked():
            for ordinal, (text, used) in enumerate(sorted(event.used.items())):
                yield flow_row(run, event.step, "used", text, ordinal, str(used))
            again = NextNumber(("run", "step", "direction", "name"))
            for saved in map(str, event.saved):
                named = Lookup(ARTIFACTS, "name", saved)
                yield flow_row(run, event.step, "saved", named, again, saved)
        case Run.Resumed():
            # What a step has saved stays, so that it can go on from there.
            for step in event.redone:
                for direction in ("in", "out", "used"):
                    yield Delete(FLOWS, {"run": run, "step": step, "direction": direction})
        case Run.Deleted():
            yield Delete(FLOWS, {"run": run})


def inserted_version(artifact: Artifact, own: OwnName, position: int) -> Insert:
    """The new version of an own name that an artifact is."""
    return Insert(
        ARTIFACT_VERSIONS,
        {
            "artifact": str(artifact.id),
            "name": own.name,
            "version": NextNumber(("name",)),
            "label": own.label,
            "position": position,
        },
    )


def flow_row(
    run: str,
    step: str,
    direction: str,
    name: str | Lookup,
    ordinal: int | NextNumber,
    artifact: str,
) -> Insert:
    """An artifact that flows into or out of a step, or out of an external artifact's record."""
    row = {"run": run, "step": step, "direction": direction}
    return Insert(FLOWS, {**row, "name": name, "ordinal": ordinal, "artifact": artifact})


def _of_step(
    event: Run.StepCompleted | Run.ArtifactSaved, position: int, ordinal: int, artifact: Artifact
) -> Insert:
    run = str(event.originator_id)
    return inserted_artifact(artifact, position, event.timestamp, run, event.step, ordinal)


def inserted_artifact(
    artifact: Artifact,
    position: int,
    created: datetime,
    run: str = "",
    step: str = "",
    ordinal: int = 0,
) -> Insert:
    """The row of a new artifact.

    Args:
        artifact: The artifact.
        position: The position of its event.
        created: When its event was made.
        run: The id of the run that made it; empty for none.
        step: The step that made it; empty for none.
        ordinal: Its index among the outputs of the step.
    """
    row = {
        "id": str(artifact.id),
        "run": run,
        "pipeline": Lookup(RUNS, "pipeline", run) if run else "",
        "step": step,
        "ordinal": ordinal,
        "name": artifact.name,
        "version": NextNumber(("pipeline", "step", "name")),
        "position": position,
        "type": artifact.type,
        "materializer": artifact.materializer,
        "uri": artifact.uri,
        "digest": artifact.digest,
        "size": artifact.size,
        "files": artifact.files,
        "manifest": artifact.manifest,
        "preview": artifact.preview and artifact.preview.model_dump(mode="json"),
        "versions": artifact.versions,
        "created": to_rfc3339(created),
        "metadata": artifact.metadata,
        "tags": artifact.tags,
    }
    return Insert(ARTIFACTS, row)


ARTIFACT_TABLES = TableProjection(tables=(ARTIFACTS, ARTIFACT_VERSIONS, FLOWS), apply=apply)
