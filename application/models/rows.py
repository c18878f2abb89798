"""The read models of models and their versions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import Names, ReadModel, shown


class ModelRow(NamedTuple):
    """A model at one revision."""

    name: str
    description: str
    tags: list[str]
    aliases: dict[str, dict[str, Any]]
    """Alias → id of the version, its number, and the numbers of those before."""
    gates: dict[str, str]
    """Alias → the rule of its gate."""
    card: dict[str, str]


class ModelVersionRow(NamedTuple):
    """A model version at one revision."""

    model: str
    """The id of the model."""
    name: str
    number: int
    status: str
    run: str
    """The id of the run that makes it."""
    stack: str
    stack_id: str
    stack_revision: int
    description: str
    tags: list[str]
    metadata: dict[str, Any]
    label: str
    published: dict[str, dict[str, Any]]
    """The id of a model registry → its name, and what identifies the version there."""


def _aliases(aliases: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, Any]:
    return {alias: target["number"] for alias, target in aliases.items()}


def _gates(gates: Mapping[str, str], names: Names) -> dict[str, Any]:
    return {f"gate {alias}": rule for alias, rule in gates.items()}


def _tags(tags: list[str], names: Names) -> dict[str, Any]:
    return {"tags": ", ".join(tags)} if tags else {}


def _card(card: Mapping[str, str], names: Names) -> dict[str, Any]:
    return {f"card {key}": text for key, text in card.items()}


def _metadata(metadata: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {f"metadata {key}": value for key, value in metadata.items()}


def _published(published: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, Any]:
    return {f"published in {each['registry']}": True for each in published.values()}


MODELS = ReadModel(
    topic="model",
    table="models",
    row=ModelRow,
    describe={
        "name": shown("name"),
        "description": shown("description"),
        "tags": _tags,
        "aliases": _aliases,
        "gates": _gates,
        "card": _card,
    },
)

MODEL_VERSIONS = ReadModel(
    topic="model_version",
    table="model_versions",
    row=ModelVersionRow,
    describe={
        **{each: shown(each) for each in ("name", "label", "status", "stack", "stack_revision")},
        "description": shown("description"),
        "tags": _tags,
        "metadata": _metadata,
        "published": _published,
    },
    unique=("model", "name"),
    # Two runs may open a version at once: the second one takes the next number.
    duplicate="lost race",
    noun=lambda row: "model version",
)
