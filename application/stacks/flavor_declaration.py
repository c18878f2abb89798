"""Declares flavors: how events change their read model, and constraints."""

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.application.stacks import rows
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.rows import FlavorRow
from stackfold.domain.errors import InUse
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.flavor import Flavor


def apply(row: FlavorRow | None, event: Flavor.Event) -> FlavorRow | None:
    """The row of a flavor after an event."""
    match event, row:
        case Flavor.Registered() | Flavor.Restored(), None:
            return FlavorRow(
                str(event.type), event.name, event.source, event.summary, event.configuration_schema
            )
        case Flavor.Deleted(), FlavorRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def must_be_unused(queries: StackQueries, event: Flavor.Deleted, row: FlavorRow) -> None:
    """Reject the deletion of a flavor that a component uses."""
    type = ComponentType(row.type)
    components = queries.components_of_flavor(type, row.name)
    if components:
        raise InUse(f"{type.noun} flavor", row.name, components, type.noun)


FLAVORS = AggregateType(
    Flavor,
    projection=TemporalProjection(rows.FLAVORS, apply),
    constraints={Flavor.Deleted: must_be_unused},
    revertible=True,
)
