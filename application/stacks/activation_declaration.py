"""Declares activations: how events change their read model, and constraints."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.application.stacks import rows
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.rows import ActivationRow
from stackfold.domain.errors import NotFound
from stackfold.domain.stacks.activation import Activation


def apply(row: ActivationRow | None, event: Activation.Event) -> ActivationRow | None:
    """The row of an activation after an event."""
    match event, row:
        case Activation.Registered(), None:
            return ActivationRow(event.name, str(event.stack))
        case Activation.Activated(), ActivationRow():
            return row._replace(stack=str(event.stack))
        case Activation.Deleted(), ActivationRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def stack_must_exist(
    queries: StackQueries, event: Activation.Registered | Activation.Activated, row: object
) -> None:
    """Reject the activation of a stack that was deleted concurrently."""
    if not queries.existing("stack", [str(event.stack)]):
        raise NotFound("stack", str(event.stack), "it was deleted concurrently")


def restore(row: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Activation`, from a row."""
    return {"name": row["scope"], "stack": UUID(row["stack"])}


ACTIVATIONS = AggregateType(
    Activation,
    projection=TemporalProjection(rows.ACTIVATIONS, apply),
    constraints={
        Activation.Registered: stack_must_exist,
        Activation.Activated: stack_must_exist,
    },
    restore=restore,
    revertible=True,
)
