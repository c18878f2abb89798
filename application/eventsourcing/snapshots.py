"""Where replaying an aggregate may begin, so that a long history costs no more than a short one.

Every hundredth revision's row in the temporal read models is a snapshot already: nothing is stored
twice, and at most a hundred events are replayed on it.
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
        ...


def revive(kind: type[A], id: UUID, snapshot: Snapshot, restore: Restore) -> A:
    """The aggregate that a snapshot was taken of.

    Args:
        kind: Its class.
        id: Its id.
        snapshot: The row of its read model.
        restore: The columns of the row → the arguments of the class.
    """
    aggregate = kind.__new__(kind)
    aggregate.__base_init__(id, snapshot.revision, from_rfc3339(snapshot.created))
    aggregate.modified_on = from_rfc3339(snapshot.updated)
    aggregate.__init__(**restore(snapshot.fields))  # type: ignore[misc]
    return aggregate
