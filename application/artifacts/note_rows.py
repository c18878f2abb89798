"""The read model of tags and metadata that were changed later."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import Names, ReadModel


class ArtifactNoteRow(NamedTuple):
    """The tags and metadata of a version of an artifact at one revision."""

    artifact: str
    """The id of the artifact."""
    name: str
    """The reference of the version, such as "dataset@4"."""
    tags: list[str]
    metadata: dict[str, Any]


def _tags(tags: list[str], names: Names) -> dict[str, Any]:
    return {"tags": ", ".join(tags)}


def _metadata(metadata: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {f"metadata {name}": value for name, value in metadata.items()}


ARTIFACT_NOTES = ReadModel(
    topic="artifact_note",
    table="artifact_notes",
    row=ArtifactNoteRow,
    describe={"tags": _tags, "metadata": _metadata},
    unique=("artifact", "name"),
    duplicate="lost race",
    noun=lambda row: "artifact",
)
