"""The base classes of aggregates."""

from abc import abstractmethod
from typing import Any, Self
from uuid import UUID, uuid4

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate

from stackfold.domain.errors import NotFound
from stackfold.domain.eventsourcing.event import DomainEvent


class Aggregate(BaseAggregate[UUID]):
    """One stream of events. Rules stand in commands, assignments in the events' `apply`.

    The first event's fields are the arguments of `__init__`.
    """

    TOPIC = ""

    class Event(DomainEvent, CanMutateAggregate[UUID]):
        """The base of this aggregate's events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.deleted = False

    @property
    def kind(self) -> str:
        """What it is called in a sentence."""
        return self.TOPIC

    @classmethod
    def _create(
        cls, event_class: type[CanInitAggregate[UUID]], *, id: UUID | None = None, **facts: Any
    ) -> Self:
        return super()._create(event_class, id=id or uuid4(), **facts)

    def must_exist(self) -> None:
        """Refuse to go on with something that was deleted.

        Raises:
            NotFound: It was deleted.
        """
        if self.deleted:
            raise NotFound(self.kind, self.name)


class Revertible(Aggregate):
    """An aggregate that can become again what it was."""

    class Event(Aggregate.Event):
        """The base of this aggregate's events."""

    @abstractmethod
    def revert(self, past: Any) -> None:
        """Become what `past` was, as a new revision."""

    @abstractmethod
    def restore(self, past: Any) -> None:
        """Be there again, as `past` was."""

    @abstractmethod
    def delete(self) -> None:
        """Be gone."""

    def become(self, past: Self | None) -> None:
        """Become what `past` was, or be gone where there was nothing; as a new revision."""
        if past is None or past.deleted:
            self.delete()
        elif self.deleted:
            self.restore(past)
        else:
            self.revert(past)
