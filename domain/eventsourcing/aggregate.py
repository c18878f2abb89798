"""The base classes of aggregates."""

from abc import abstractmethod
from typing import Any, Self
from uuid import UUID, uuid4

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate

from stackfold.domain.errors import NotFound
from stackfold.domain.eventsourcing.event import DomainEvent


class Aggregate(BaseAggregate[UUID]):
    """A stream of events and the state that follows from it.

    Commands check rules and trigger events; the `apply` of an event only assigns fields.

    `__init__` takes the fields of the first event.
    """

    TOPIC = ""

    class Event(DomainEvent, CanMutateAggregate[UUID]):
        """Base class of the events of this aggregate."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.deleted = False

    @property
    def kind(self) -> str:
        """The noun for messages, such as "stack"."""
        return self.TOPIC

    @classmethod
    def _create(
        cls, event_class: type[CanInitAggregate[UUID]], *, id: UUID | None = None, **facts: Any
    ) -> Self:
        return super()._create(event_class, id=id or uuid4(), **facts)

    def must_exist(self) -> None:
        """Reject a command on a deleted aggregate.

        Raises:
            NotFound: The aggregate was deleted.
        """
        if self.deleted:
            raise NotFound(self.kind, self.name)


class Revertible(Aggregate):
    """An aggregate that `revert`, `restore` and `undo` can bring back to an earlier state."""

    class Event(Aggregate.Event):
        """Base class of the events of this aggregate."""

    @abstractmethod
    def revert(self, past: Any) -> None:
        """Restore the state of `past` as a new revision.

        Args:
            past: This aggregate at an earlier revision.
        """

    @abstractmethod
    def restore(self, past: Any) -> None:
        """Restore the aggregate after it was deleted, with the state of `past`.

        Args:
            past: This aggregate before it was deleted.
        """

    @abstractmethod
    def delete(self) -> None:
        """Delete the aggregate."""

    def become(self, past: Self | None) -> None:
        """Restore the state of `past` as a new revision; delete the aggregate if there was none.

        Args:
            past: This stack at an earlier revision; None for before its registration.
        """
        if past is None or past.deleted:
            self.delete()
        elif self.deleted:
            self.restore(past)
        else:
            self.revert(past)
