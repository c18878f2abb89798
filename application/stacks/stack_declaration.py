"""Declares stacks: how events change their read model, and constraints."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.application.stacks import rows
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.rows import StackRow
from stackfold.domain.errors import NotFound, StackActive
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.labels import merged
from stackfold.domain.stacks.stack import Stack, without


def apply(row: StackRow | None, event: Stack.Event) -> StackRow | None:
    """The row of a stack after an event."""
    match event, row:
        case Stack.Registered() | Stack.Restored(), None:
            return StackRow(event.name, event.description, event.labels, _plain(event.components))
        case Stack.Updated(), StackRow():
            return StackRow(
                row.name,
                row.description if event.description is None else event.description,
                merged(row.labels, event.labels),
                {**row.components, **_plain(event.components)},
            )
        case Stack.ComponentsRemoved(), StackRow():
            return row._replace(
                components=_plain(without(row.components, _plain(event.components)))
            )
        case Stack.DefaultSet(), StackRow():
            first = str(event.component)
            others = [each for each in row.components[event.type] if each != first]
            return row._replace(components={**row.components, event.type: [first, *others]})
        case Stack.Renamed(), StackRow():
            return row._replace(name=event.name)
        case Stack.Reverted(), StackRow():
            return StackRow(event.name, event.description, event.labels, _plain(event.components))
        case Stack.Deleted(), StackRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _plain(components: Any) -> dict[str, list[str]]:
    return {str(type): [str(id) for id in ids] for type, ids in components.items()}


def components_must_exist(
    queries: StackQueries,
    event: Stack.Registered | Stack.Updated | Stack.Reverted,
    row: StackRow | None,
) -> None:
    """Reject components that were deleted concurrently."""
    wanted = {str(id): type for type, ids in event.components.items() for id in ids}
    for id in wanted.keys() - queries.existing("component", list(wanted)):
        raise NotFound(ComponentType(wanted[id]).noun, id, "it was deleted concurrently")


def must_not_be_active(queries: StackQueries, event: Stack.Deleted, row: StackRow) -> None:
    """Reject the deletion of a stack that is active in a scope."""
    scopes = queries.scopes_with(str(event.originator_id))
    if scopes:
        raise StackActive(row.name, scopes)


def restore(row: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Stack`, from a row."""
    components = {
        ComponentType(type): tuple(UUID(id) for id in ids)
        for type, ids in row["components"].items()
    }
    return {**row, "components": components}


STACKS = AggregateType(
    Stack,
    projection=TemporalProjection(rows.STACKS, apply),
    constraints={
        Stack.Registered: components_must_exist,
        Stack.Updated: components_must_exist,
        Stack.Reverted: components_must_exist,
        Stack.Restored: components_must_exist,
        Stack.Deleted: must_not_be_active,
    },
    restore=restore,
    revertible=True,
)
