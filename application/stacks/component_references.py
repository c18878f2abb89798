"""References to the components of a stack, as callers write them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

from stackfold.application.stacks.queries import StackQueries, StoredComponent
from stackfold.domain.errors import NotInStack
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName

if TYPE_CHECKING:
    from uuid import UUID

    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.domain.stacks.component import Component
    from stackfold.domain.stacks.stack import Stack

Names = str | Sequence[str]
"""One component by name, id or unique prefix; or several, the default one first."""

TypeOf = Callable[[str], ComponentType]
"""Returns the component type of a name, or raises UnknownComponentType."""
V_co = TypeVar("V_co", covariant=True)


class ByType(Protocol[V_co]):
    """A mapping of component types, whatever the exact type of its keys."""

    def items(self) -> Iterable[tuple[TypeOrName, V_co]]:
        """Component type and value."""
        ...


NamesByType = Mapping[TypeOrName, Names] | ByType[Names]
"""Component type → components, by name, id or unique prefix."""
NameByType = Mapping[TypeOrName, str] | ByType[str]
"""Component type → a component, by name, id or unique prefix."""


class Composition(TypedDict, total=False):
    """Component type of Stackfold → components, by name, id or unique prefix."""

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


def named_components(
    components: Mapping[Any, Any], queries: StackQueries, type_of: TypeOf
) -> dict[ComponentType, list[StoredComponent]]:
    """Look up the components that were named, once each.

    Args:
        components: Component type → a name, or several.
        queries: Looks up components.
        type_of: Returns the component type of a name.

    Returns:
        Component type → the components.

    Raises:
        UnknownComponentType: There is no such component type.
        NotFound: One of them does not exist.
        Ambiguous: A prefix matches several.
    """
    found: dict[ComponentType, list[StoredComponent]] = {}
    for key, names in components.items():
        type = type_of(key)
        several = [names] if isinstance(names, str) else names
        found[type] = [queries.find_component(type, name) for name in several]
    return found


def ids_by_type(
    components: Mapping[ComponentType, Sequence[StoredComponent]],
) -> "dict[ComponentType, Sequence[UUID]]":
    """Component type → ids."""
    from uuid import UUID

    return {type: [UUID(each.id) for each in group] for type, group in components.items()}


def components_in_stack(
    stack: "Stack",
    components: Mapping[Any, Names],
    queries: StackQueries,
    type_of: TypeOf,
) -> "dict[ComponentType, Sequence[UUID]]":
    """Look up components that were named, all of which a stack contains.

    Returns:
        Component type → ids.

    Raises:
        UnknownComponentType: There is no such component type.
        NotFound: One of them does not exist.
        NotInStack: The stack does not contain one of them.
    """
    ids = ids_by_type(named_components(components, queries, type_of))
    for type, wanted in ids.items():
        for id, name in zip(wanted, _several(components[type]), strict=True):
            if id not in stack.components.get(type, ()):
                raise NotInStack(stack.name, type.noun, name)
    return ids


def unshared_components(
    stack: "Stack", repository: "Repository", queries: StackQueries
) -> "Sequence[Component]":
    """Delete the components that no other stack contains, except default ones.

    Returns:
        The deleted components, to be saved.
    """
    from stackfold.domain.stacks.component import Component

    deleted = []
    for id in (id for ids in stack.components.values() for id in ids):
        component = repository.load(Component, id)
        if queries.stacks_with(str(id)) == [stack.name] and not component.is_default:
            component.delete()
            deleted.append(component)
    return deleted


def _several(names: Names) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
