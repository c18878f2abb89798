"""The state according to the log alone, by replaying each aggregate with its events.

No projection, table or query of the read models is used here.
"""

from collections import defaultdict
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.stacks.activation import GLOBAL, Activation
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.flavor import Flavor
from stackfold.domain.stacks.stack import Stack
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.hash_chain import COLUMNS, Record

USED = (
    ComponentType.ORCHESTRATOR,
    ComponentType.ARTIFACT_STORE,
    ComponentType.STEP_OPERATOR,
    ComponentType.ALERTER,
)
"""The types of component that the histories are about."""


class Everything(NamedTuple):
    """What can be listed at a point in time."""

    stacks: list[StackView]
    components: dict[ComponentType, list[ComponentView]]


class Replayed(NamedTuple):
    """An aggregate with the records of its first and its latest event."""

    aggregate: Any
    first: Record
    latest: Record
    by: str


def everything(replayed: dict[UUID, Replayed], project: str | None = None) -> Everything:
    """All stacks and components, as they are seen from a project."""
    existing = [each for each in replayed.values() if not each.aggregate.deleted]
    chosen = {
        each.aggregate.name: each.aggregate.stack
        for each in existing
        if isinstance(each.aggregate, Activation)
    }
    active = chosen.get(project or GLOBAL) or chosen.get(GLOBAL)
    names = {each.aggregate.id: each.aggregate.name for each in existing}
    stacks = [each for each in existing if isinstance(each.aggregate, Stack)]
    components = [each for each in existing if isinstance(each.aggregate, Component)]
    return Everything(
        sorted(_stack_view(each, names, active) for each in stacks),
        {
            type: sorted(
                _component_view(each, stacks) for each in components if each.aggregate.type is type
            )
            for type in USED
        },
    )


def flavors(replayed: dict[UUID, Replayed]) -> list[tuple[str, str]]:
    """Type and name of the existing flavors that users registered."""
    aggregates = [each.aggregate for each in replayed.values()]
    return sorted(
        (each.type.value, each.name)
        for each in aggregates
        if isinstance(each, Flavor) and not each.deleted
    )


def replay(database: Database) -> dict[UUID, Replayed]:
    """Id → the aggregate that its events make, one by one."""
    mapper = EventMapper(STACKFOLD_AGGREGATES)
    streams: dict[UUID, list[Record]] = defaultdict(list)
    for row in database.read(f"SELECT {COLUMNS} FROM events ORDER BY position"):
        record = Record(*row)
        streams[UUID(record.originator_id)].append(record)
    replayed = {}
    for id, records in streams.items():
        aggregate = None
        for record in records:
            event = mapper.to_domain_event(
                StoredEvent(id, record.originator_version, record.topic, record.state)
            )
            aggregate = event.mutate(aggregate)
        replayed[id] = Replayed(aggregate, records[0], records[-1], event.event_metadata.by)
    return replayed


def _stack_view(each: Replayed, names: dict[UUID, str], active: UUID) -> StackView:
    stack: Stack = each.aggregate
    return StackView(
        id=str(stack.id),
        name=stack.name,
        revision=stack.version,
        active=stack.id == active,
        description=stack.description,
        labels=stack.labels,
        components={
            type.value: [names[id] for id in stack.components[type]]
            for type in ComponentType
            if type in stack.components
        },
        created=each.first.recorded_at,
        updated=each.latest.recorded_at,
        by=each.by,
    )


def _component_view(each: Replayed, stacks: list[Replayed]) -> ComponentView:
    component: Component = each.aggregate
    holders = [
        other.aggregate.name
        for other in stacks
        if any(component.id in ids for ids in other.aggregate.components.values())
    ]
    return ComponentView(
        id=str(component.id),
        name=component.name,
        type=component.type.value,
        flavor=component.flavor,
        revision=component.version,
        configuration=component.configuration,
        labels=component.labels,
        stacks=sorted(holders),
        created=each.first.recorded_at,
        updated=each.latest.recorded_at,
        by=each.by,
    )
