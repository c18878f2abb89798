"""Activation: which stack is active in a scope."""

from typing import Literal, Self
from uuid import UUID

from stackfold.domain.errors import NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent

GLOBAL = "global"
"""The scope that counts where no project has its own."""


class Activation(Revertible):
    """One scope's choice of a stack; the scope's name is "global" or "project:<id>"."""

    TOPIC = "activation"

    class Event(Revertible.Event):
        """Something that happened to a scope's choice."""

    class Registered(Event, FirstEvent):
        """The scope made its first choice."""

        TOPIC = "activation.registered"
        originator_topic: Literal["activation"]
        name: str
        stack: UUID

    class Activated(Event):
        """Another stack is active."""

        TOPIC = "activation.activated"
        stack: UUID

        def apply(self, aggregate: "Activation") -> None:
            aggregate.stack = self.stack

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"active stack"})

    class Deleted(Event):
        """The scope has no choice of its own any more."""

        TOPIC = "activation.deleted"

        def apply(self, aggregate: "Activation") -> None:
            aggregate.deleted = True

    def __init__(self, name: str, stack: UUID) -> None:
        super().__init__(name)
        self.stack = stack

    @classmethod
    def register(cls, scope: str, stack: UUID) -> Self:
        """Make the first choice of a scope."""
        return cls._create(cls.Registered, name=scope, stack=stack)

    def activate(self, stack: UUID) -> None:
        """Choose another stack.

        Raises:
            NothingToChange: That stack is active already.
        """
        if stack == self.stack:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Activated, stack=stack)

    def revert(self, past: "Activation") -> None:
        """Choose what was chosen at an earlier revision; raises as `activate`."""
        self.activate(past.stack)

    def restore(self, past: "Activation") -> None:
        """Make the choice of an earlier revision again.

        Raises:
            NotFound: It was given up for good; the scope's next choice is a new activation.
        """
        raise NotFound(self.kind, self.name)

    def delete(self) -> None:
        """Have no choice of its own any more; the global one counts."""
        self.must_exist()
        self.trigger_event(self.Deleted)
