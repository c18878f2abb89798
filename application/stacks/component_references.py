"""How callers say which components a stack is made of."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.stacks.queries import Queries
from stackfold.domain.errors import NotInStack
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.stack import Stack

if TYPE_CHECKING:
    from stackfold.domain.stacks.component import Component

Names = str | Sequence[str]
"""One component by name, id or unique prefix; or several, the default one first."""


class Composition(TypedDict, total=False):
    """Component type → components, by name, id or unique prefix."""

    orchestrator: Names
    artifact_store: Names
    container_registry: Names
    step_operator: Names
    experiment_tracker: Names
    model_deployer: Names
    model_registry: Names
    feature_store: Names
    alerter: Names
    annotator: Names
    data_validator: Names
    image_builder: Names


def several(names: Names) -> Sequence[str]:
    """The names, whether one was given or several."""
    return [names] if isinstance(names, str) else names


def component_ids(
    components: Mapping[Any, Any], queries: Queries
) -> dict[ComponentType, Sequence[UUID]]:
    """Component type → the ids of the components that were named.

    Raises:
        NotFound: One of them does not exist.
        Ambiguous: A prefix fits several.
    """
    return {
        ComponentType(type): [
            UUID(queries.find_component(ComponentType(type), name).id) for name in several(names)
        ]
        for type, names in components.items()
    }


def held(
    stack: Stack, components: Mapping[ComponentType, Names], queries: Queries
) -> dict[ComponentType, Sequence[UUID]]:
    """Component type → the ids of the components that were named, all of which a stack holds.

    Raises:
        NotFound: One of them does not exist.
        NotInStack: The stack does not hold one of them.
    """
    ids = component_ids(components, queries)
    for type, wanted in ids.items():
        for id, name in zip(wanted, several(components[type]), strict=True):
            if id not in stack.components.get(type, ()):
                raise NotInStack(stack.name, type.noun, name)
    return ids


def orphans(stack: Stack, repository: Repository, queries: Queries) -> "Sequence[Component]":
    """The components that only this stack holds, deleted; the default ones stay."""
    from stackfold.domain.stacks.component import Component

    found = []
    for id in (id for ids in stack.components.values() for id in ids):
        component = repository.load(Component, id)
        if queries.stacks_with(str(id)) == [stack.name] and not component.is_default:
            component.delete()
            found.append(component)
    return found
