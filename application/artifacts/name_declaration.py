"""Declares names of artifacts: how events change their read model."""

from collections.abc import Mapping
from typing import Any

from stackfold.application.artifacts import name_rows
from stackfold.application.artifacts.name_rows import ArtifactNameRow
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.artifacts.artifact_name import AliasTarget, ArtifactName


def apply(row: ArtifactNameRow | None, event: ArtifactName.Event) -> ArtifactNameRow | None:
    """The row of a name after an event; there is none without an alias."""
    match event, row:
        case ArtifactName.Registered(), None:
            return ArtifactNameRow(event.name, _plain(event.aliases))
        case ArtifactName.Reverted(), _:
            return ArtifactNameRow(event.name, _plain(event.aliases))
        case ArtifactName.AliasSet(), ArtifactNameRow():
            return row._replace(aliases={**row.aliases, **_plain({event.alias: event.target})})
        case ArtifactName.AliasRemoved(), ArtifactNameRow():
            others = {name: each for name, each in row.aliases.items() if name != event.alias}
            return row._replace(aliases=others)
        case ArtifactName.Deleted(), ArtifactNameRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _plain(aliases: Mapping[str, AliasTarget]) -> dict[str, Any]:
    return {alias: target.model_dump(mode="json") for alias, target in aliases.items()}


ARTIFACT_NAMES = AggregateType(
    ArtifactName,
    projection=TemporalProjection(name_rows.ARTIFACT_NAMES, apply),
    revertible=True,
)
