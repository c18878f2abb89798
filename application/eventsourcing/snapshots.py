"""Where replaying an aggregate may begin, so that a long history costs no more than a short one.

Every hundredth revision's row in the temporal read models is a snapshot already: nothing is stored
twice, and at most a hundred events are replayed on it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType

A = TypeVar("A", bound=Aggregate)

EVERY = 100
"""How many revisions lie between two snapshots."""


class Snapshot(NamedTuple):
    """What an aggregate was at a revision."""

    revision: int
    created: str
    updated: str
    fields: Mapping[str, Any]
    """The columns of its read model."""


class Snapshots(Protocol):
    """Where snapshots are found."""

    def latest(self, topic: str, id: str, upto: int | None) -> Snapshot | None:
        """The latest snapshot of an aggregate that is no later than a revision.

        Args:
            topic: The aggregate's topic, such as "stack".
            id: Its id.
            upto: The revision; None for the newest.
        """


def revive(kind: type[A], id: UUID, snapshot: Snapshot) -> A:
    """The aggregate that a snapshot was taken of."""
    aggregate = kind.__new__(kind)
    aggregate.__base_init__(id, snapshot.revision, datetime.fromisoformat(snapshot.created))
    aggregate.modified_on = datetime.fromisoformat(snapshot.updated)
    aggregate.__init__(**_ARGUMENTS[kind.TOPIC](snapshot.fields))  # type: ignore[misc]
    return aggregate


def _stack(fields: Mapping[str, Any]) -> dict[str, Any]:
    components = {
        ComponentType(type): tuple(UUID(id) for id in ids)
        for type, ids in fields["components"].items()
    }
    return {**fields, "components": components}


def _component(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields, "type": ComponentType(fields["type"])}


def _activation(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": fields["scope"], "stack": UUID(fields["stack"])}


def _deployment(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": fields["name"],
        "model": fields["model"],
        "artifact": Artifact.model_validate(fields["artifact"]),
        "store": PinnedComponent.model_validate(fields["store"]),
        "stack_id": UUID(fields["stack_id"]),
        "stack": fields["stack"],
        "stack_revision": int(fields["stack_revision"]),
        "deployer": PinnedComponent.model_validate(fields["component"]),
        "status": fields["status"],
        "reference": fields["reference"],
    }


_ARGUMENTS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "stack": _stack,
    "component": _component,
    "activation": _activation,
    "deployment": _deployment,
}
"""Topic → how the columns of the read model become what the aggregate is made of."""
