"""Declares external artifacts: how events change their read models, and constraints.

It lies here, as the tables of artifacts are those of runs.
"""

from collections.abc import Iterator
from functools import partial

from stackfold.application.artifacts import external_rows
from stackfold.application.artifacts.external_rows import ExternalArtifactRow
from stackfold.application.artifacts.model_names import must_be_no_models
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import (
    Delete,
    RowChange,
    TableProjection,
    TemporalProjection,
)
from stackfold.application.runs.artifact_projection import (
    FLOWS,
    flow_row,
    inserted_artifact,
    inserted_version,
)
from stackfold.application.stacks.queries import StackQueries
from stackfold.domain.artifacts.external_artifact import ExternalArtifact
from stackfold.domain.errors import ArtifactInUse
from stackfold.domain.runs.artifact import OwnName


def apply(
    row: ExternalArtifactRow | None, event: ExternalArtifact.Event
) -> ExternalArtifactRow | None:
    """The row of an external artifact after an event."""
    match event, row:
        case ExternalArtifact.Registered() | ExternalArtifact.Restored(), None:
            return ExternalArtifactRow(
                artifact=str(event.originator_id),
                name=event.name,
                label=event.label,
                pin=event.pin.model_dump(mode="json"),
                source=event.source,
                why=event.event_metadata.why if event.event_metadata else "",
            )
        case ExternalArtifact.Deleted(), ExternalArtifactRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def flow(event: ExternalArtifact.Event, position: int, recorded_at: str) -> Iterator[RowChange]:
    """The changes of the tables of artifacts that an event makes.

    An artifact exists as long as it flows out of something: a step of a run, or its own record
    here. Its row stays, so that its number is never used again.
    """
    id = str(event.originator_id)
    match event:
        case ExternalArtifact.Registered():
            yield inserted_artifact(event.artifact, position, event.timestamp)
            own = OwnName(name=event.name, label=event.label)
            yield inserted_version(event.artifact, own, position)
            yield flow_row(id, "", "out", event.artifact.name, 0, id)
        case ExternalArtifact.Deleted():
            yield Delete(FLOWS, {"run": id})
        case ExternalArtifact.Restored():
            yield flow_row(id, "", "out", event.artifact.name, 0, id)


def must_be_unused(
    queries: StackQueries, event: ExternalArtifact.Deleted, row: ExternalArtifactRow
) -> None:
    """Reject the deletion of an artifact that is used."""
    uses = queries.uses_of_artifact(str(event.originator_id))
    if uses:
        raise ArtifactInUse(row.name, uses)


def name_must_be_free(
    queries: StackQueries,
    event: ExternalArtifact.Registered | ExternalArtifact.Restored,
    row: ExternalArtifactRow | None,
) -> None:
    """Reject an artifact with the name of a model."""
    must_be_no_models(partial(queries.has_name, "model"), [event.name])


EXTERNAL_ARTIFACTS = AggregateType(
    ExternalArtifact,
    projection=TemporalProjection(external_rows.EXTERNAL_ARTIFACTS, apply),
    # The tables themselves are those of runs.
    tables=(TableProjection(tables=(), apply=flow),),
    constraints={
        ExternalArtifact.Registered: name_must_be_free,
        ExternalArtifact.Restored: name_must_be_free,
        ExternalArtifact.Deleted: must_be_unused,
    },
    revertible=True,
)
