"""Declares the notes of artifacts: how events change their read model."""

from stackfold.application.artifacts import note_rows
from stackfold.application.artifacts.note_rows import ArtifactNoteRow
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.artifacts.artifact_note import ArtifactNote


def apply(row: ArtifactNoteRow | None, event: ArtifactNote.Event) -> ArtifactNoteRow | None:
    """The row of a note after an event."""
    match event, row:
        case ((ArtifactNote.Registered() | ArtifactNote.Reverted()), _):
            tags, metadata = [*event.tags], dict(event.metadata)
            return ArtifactNoteRow(str(event.artifact), event.name, tags, metadata)
        case ArtifactNote.Changed(), ArtifactNoteRow():
            return row._replace(tags=[*event.tags], metadata=dict(event.metadata))
        case ArtifactNote.Deleted(), ArtifactNoteRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


ARTIFACT_NOTES = AggregateType(
    ArtifactNote,
    projection=TemporalProjection(note_rows.ARTIFACT_NOTES, apply),
    revertible=True,
)
