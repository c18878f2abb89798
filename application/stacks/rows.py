"""The read models of stacks, components, flavors and activations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import (
    Names,
    ReadModel,
    ReferencedNames,
    always_shown,
    shown,
)
from stackfold.domain.stacks.component_type import ComponentType, in_order


class StackRow(NamedTuple):
    """A stack at one revision."""

    name: str
    description: str
    labels: dict[str, str]
    components: dict[str, list[str]]
    """Component type → ids of components, the default one first."""


class ComponentRow(NamedTuple):
    """A component at one revision."""

    type: str
    name: str
    flavor: str
    configuration: dict[str, Any]
    labels: dict[str, str]


class FlavorRow(NamedTuple):
    """A flavor that a user registered."""

    type: str
    name: str
    source: str
    summary: str
    schema: dict[str, Any]


class ActivationRow(NamedTuple):
    """The stack that is active in a scope."""

    scope: str
    stack: str
    """The stack's id."""


def _labels(labels: Mapping[str, str], names: Names) -> dict[str, Any]:
    return {f"label {key}": text for key, text in labels.items()}


def _components(components: Mapping[str, Sequence[str]], names: Names) -> dict[str, Any]:
    return {
        type: ", ".join(names.get(id, id) for id in components[type])
        for type in in_order(components)
        if components[type]
    }


def _configuration(configuration: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        f"configuration.{attribute}" if attribute in ("name", "flavor") else attribute: value
        for attribute, value in configuration.items()
    }


def _active_stack(id: str, names: Names) -> dict[str, Any]:
    return {"active stack": names.get(id, id)}


def _component_ids(components: Mapping[str, Sequence[str]]) -> Iterator[str]:
    return (id for ids in components.values() for id in ids)


STACKS = ReadModel(
    topic="stack",
    table="stacks",
    row=StackRow,
    describe={
        "name": shown("name"),
        "description": shown("description"),
        "labels": _labels,
        "components": _components,
    },
    references=ReferencedNames("component", "components", _component_ids),
)

COMPONENTS = ReadModel(
    topic="component",
    table="components",
    row=ComponentRow,
    describe={
        "name": shown("name"),
        "flavor": shown("flavor"),
        "configuration": _configuration,
        "labels": _labels,
    },
    unique=("type", "name"),
    noun=lambda row: ComponentType(row.type).noun,
    kind="type",
)

FLAVORS = ReadModel(
    topic="flavor",
    table="flavors",
    row=FlavorRow,
    describe={each: always_shown(each) for each in ("type", "name", "source", "summary")},
    unique=("type", "name"),
    noun=lambda row: f"{ComponentType(row.type).noun} flavor",
)

ACTIVATIONS = ReadModel(
    topic="activation",
    table="activations",
    row=ActivationRow,
    describe={"stack": _active_stack},
    unique=("scope",),
    # Two processes may activate the first stack of a scope at once: the second one retries.
    duplicate="lost race",
    references=ReferencedNames("stack", "stack", lambda id: (id,)),
)
