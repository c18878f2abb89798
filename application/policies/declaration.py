"""Declares policies: how events change their read model, and constraints."""

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.application.policies import rows
from stackfold.application.policies.rows import PolicyRow
from stackfold.domain.errors import ReasonRequired
from stackfold.domain.policies.enabled_policy import EnabledPolicy


def apply(row: PolicyRow | None, event: EnabledPolicy.Event) -> PolicyRow | None:
    """The row of a policy after an event; a disabled policy has none."""
    match event, row:
        case EnabledPolicy.Enabled() | EnabledPolicy.Reenabled(), None:
            return _row(event.name, event)
        case EnabledPolicy.Updated(), PolicyRow():
            return _row(row.name, event)
        case EnabledPolicy.Disabled(), PolicyRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _row(
    name: str, event: EnabledPolicy.Enabled | EnabledPolicy.Updated | EnabledPolicy.Reenabled
) -> PolicyRow:
    return PolicyRow(
        name, [*event.topics], event.description, event.distribution, event.version, event.source
    )


def must_have_reason(queries: object, event: EnabledPolicy.Disabled, row: PolicyRow) -> None:
    """Reject that a policy is disabled without a reason, also by `undo`."""
    if event.event_metadata is None or not event.event_metadata.why.strip():
        raise ReasonRequired("policy", row.name, "disabled")


POLICIES = AggregateType(
    EnabledPolicy,
    projection=TemporalProjection(rows.POLICIES, apply),
    constraints={EnabledPolicy.Disabled: must_have_reason},
    revertible=True,
)
