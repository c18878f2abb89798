"""The read model of external artifacts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import Names, ReadModel, shown


class ExternalArtifactRow(NamedTuple):
    """An artifact that no run made; the id of the aggregate is that of the artifact."""

    artifact: str
    """The id."""
    name: str
    label: str
    pin: dict[str, Any]
    """The stack that it was recorded on, with the artifact store that contains it."""
    source: str
    """The path or address that it was registered from; empty for a value."""
    why: str


def _store(pin: Mapping[str, Any], names: Names) -> dict[str, Any]:
    stores = pin["components"].get("artifact_store", ())
    return {"store": stores[0]["name"]} if stores else {}


EXTERNAL_ARTIFACTS = ReadModel(
    topic="external_artifact",
    table="external_artifacts",
    row=ExternalArtifactRow,
    describe={
        "name": shown("name"),
        "label": shown("label"),
        "pin": _store,
        "source": shown("source"),
    },
    # Versions share their name.
    unique=("artifact", "name"),
    duplicate="lost race",
    noun=lambda row: "artifact",
)
