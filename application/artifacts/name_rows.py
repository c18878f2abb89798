"""The read model of names of artifacts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import Names, ReadModel


class ArtifactNameRow(NamedTuple):
    """The aliases of an artifact at one revision."""

    name: str
    """The own name of the artifact, or "pipeline/step/output"."""
    aliases: dict[str, dict[str, Any]]
    """Alias → the id of the artifact and the number of the version."""


def _aliases(aliases: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, Any]:
    return {f"alias {alias}": f"@{target['version']}" for alias, target in aliases.items()}


ARTIFACT_NAMES = ReadModel(
    topic="artifact_name",
    table="artifact_names",
    row=ArtifactNameRow,
    describe={"aliases": _aliases},
    duplicate="lost race",
    noun=lambda row: "artifact",
)
