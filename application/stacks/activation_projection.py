"""Which stack is active in a scope, and which was?"""

from typing import NamedTuple

from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.stacks.activation import Activation


class ActivationRow(NamedTuple):
    """A scope's choice."""

    scope: str
    stack: str


def fold(row: ActivationRow | None, event: Activation.Event) -> ActivationRow | None:
    """What a scope's choice is after an event."""
    match event, row:
        case Activation.Registered(), None:
            return ActivationRow(event.name, str(event.stack))
        case Activation.Activated(), ActivationRow():
            return row._replace(stack=str(event.stack))
        case Activation.Deleted(), ActivationRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


ACTIVATIONS = TemporalProjection(
    table="activations",
    kind="activation",
    row=ActivationRow,
    json=frozenset(),
    unique=("scope",),
    fold=fold,
    events=frozenset({Activation.Registered, Activation.Activated, Activation.Deleted}),
)
