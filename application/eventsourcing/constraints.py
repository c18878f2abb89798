"""What must hold between aggregates, asked under the write lock before an event is committed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stackfold.application.stacks.queries import Queries
from stackfold.domain.errors import InUse, NotFound, StackActive
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from stackfold.application.stacks.component_projection import ComponentRow
    from stackfold.application.stacks.flavor_projection import FlavorRow
    from stackfold.application.stacks.stack_projection import StackRow
    from stackfold.domain.stacks.activation import Activation
    from stackfold.domain.stacks.component import Component
    from stackfold.domain.stacks.flavor import Flavor
    from stackfold.domain.stacks.stack import Stack

Constraint = Callable[[Queries, Any, Any], None]
"""(queries, the event, the row it changes) → None; raises what forbids the event."""


def _component_is_unused(queries: Queries, event: "Component.Deleted", row: "ComponentRow") -> None:
    stacks = queries.stacks_with(str(event.originator_id))
    if stacks:
        raise InUse(ComponentType(row.type).noun, row.name, stacks, "stack")


def _components_live(
    queries: Queries,
    event: "Stack.Registered | Stack.Updated | Stack.Reverted",
    row: "StackRow | None",
) -> None:
    wanted = {str(id): type for type, ids in event.components.items() for id in ids}
    for id in wanted.keys() - queries.existing("components", list(wanted)):
        raise NotFound(ComponentType(wanted[id]).noun, id, "it was deleted meanwhile")


def _stack_is_inactive(queries: Queries, event: "Stack.Deleted", row: "StackRow") -> None:
    scopes = queries.scopes_with(str(event.originator_id))
    if scopes:
        raise StackActive(row.name, scopes)


def _stack_lives(
    queries: Queries, event: "Activation.Registered | Activation.Activated", row: object
) -> None:
    if not queries.existing("stacks", [str(event.stack)]):
        raise NotFound("stack", str(event.stack), "it was deleted meanwhile")


def _flavor_is_unused(queries: Queries, event: "Flavor.Deleted", row: "FlavorRow") -> None:
    type = ComponentType(row.type)
    components = queries.components_of_flavor(type, row.name)
    if components:
        raise InUse(f"{type.noun} flavor", row.name, components, type.noun)


CONSTRAINTS: dict[str, Constraint] = {
    "component.deleted": _component_is_unused,
    "stack.registered": _components_live,
    "stack.updated": _components_live,
    "stack.reverted": _components_live,
    "stack.restored": _components_live,
    "stack.deleted": _stack_is_inactive,
    "activation.registered": _stack_lives,
    "activation.activated": _stack_lives,
    "flavor.deleted": _flavor_is_unused,
}
"""Topic of an event → what must hold."""
