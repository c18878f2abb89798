"""Snapshots: states from which a replay starts, so that its time does not grow with the history.

The row of every hundredth revision in the temporal read models serves as a snapshot. Nothing is
stored twice, and at most a hundred events are replayed.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from stackfold.domain.rfc3339 import from_rfc3339

if TYPE_CHECKING:
    from stackfold.domain.eventsourcing.aggregate import Aggregate

A = TypeVar("A", bound="Aggregate")

Restore = Callable[[Mapping[str, Any]], dict[str, Any]]

EVERY = 100
"""The number of revisions between two snapshots."""


class Snapshot(NamedTuple):
    """The state of an aggregate at a revision."""

    revision: int
    created: str
    updated: str
    fields: Mapping[str, Any]
    """Column → value in the row of its read model."""


class Snapshots(Protocol):
    """Finds snapshots."""

    def latest(self, topic: str, id: str, upto: int | None) -> Snapshot | None:
        """The latest snapshot of an aggregate up to a revision; None if there is none.

        Args:
            topic: The aggregate's topic, such as "stack".
            id: Its id.
            upto: The revision; None for the newest.
        """
        ...


def revive(kind: type[A], id: UUID, snapshot: Snapshot, restore: Restore) -> A:
    """Create an aggregate from a snapshot.

    Args:
        kind: The class of the aggregate.
        id: The id of the aggregate.
        snapshot: The row of its read model.
        restore: The columns of the row → the arguments of `__init__`.
    """
    aggregate = kind.__new__(kind)
    aggregate.__base_init__(id, snapshot.revision, from_rfc3339(snapshot.created))
    aggregate.modified_on = from_rfc3339(snapshot.updated)
    aggregate.__init__(**restore(snapshot.fields))  # type: ignore[misc]
    return aggregate
