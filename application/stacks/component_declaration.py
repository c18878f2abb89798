"""Declares components: how events change their read model, and constraints."""

from collections.abc import Mapping
from typing import Any

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.application.stacks import rows
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.rows import ComponentRow
from stackfold.domain.errors import InUse
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.labels import merged


def apply(row: ComponentRow | None, event: Component.Event) -> ComponentRow | None:
    """The row of a component after an event."""
    match event, row:
        case Component.Registered() | Component.Restored(), None:
            return ComponentRow(
                str(event.type), event.name, event.flavor, event.configuration, event.labels
            )
        case Component.Updated(), ComponentRow():
            return ComponentRow(
                row.type,
                row.name,
                row.flavor,
                {**row.configuration, **event.configuration},
                merged(row.labels, event.labels),
            )
        case Component.AttributesRemoved(), ComponentRow():
            left = {k: v for k, v in row.configuration.items() if k not in event.attributes}
            return row._replace(configuration=left)
        case Component.Renamed(), ComponentRow():
            return row._replace(name=event.name)
        case Component.Reverted(), ComponentRow():
            return row._replace(
                name=event.name, configuration=event.configuration, labels=event.labels
            )
        case Component.Deleted(), ComponentRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def must_be_unused(queries: StackQueries, event: Component.Deleted, row: ComponentRow) -> None:
    """Reject the deletion of a component that a stack contains."""
    stacks = queries.stacks_with(str(event.originator_id))
    if stacks:
        raise InUse(ComponentType(row.type).noun, row.name, stacks, "stack")


def restore(row: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Component`, from a row."""
    return {**row, "type": ComponentType(row["type"])}


COMPONENTS = AggregateType(
    Component,
    projection=TemporalProjection(rows.COMPONENTS, apply),
    constraints={Component.Deleted: must_be_unused},
    restore=restore,
    revertible=True,
)
