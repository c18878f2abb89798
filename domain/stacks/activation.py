"""Activation: which stack is active in a scope."""

from typing import Literal, Self
from uuid import UUID

from stackfold.domain.errors import NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent

GLOBAL = "global"
"""The scope that applies outside of projects, and in projects without an active stack."""


class Activation(Revertible):
    """The active stack of a scope; the name of the scope is "global" or "project:<id>"."""

    TOPIC = "activation"

    class Event(Revertible.Event):
        """Base class of the events of an activation."""

    class Registered(Event, FirstEvent):
        """A stack was activated in a scope that had none."""

        TOPIC = "activation.registered"
        originator_topic: Literal["activation"]
        name: str
        stack: UUID

    class Activated(Event):
        """Another stack was activated."""

        TOPIC = "activation.activated"
        stack: UUID

        def apply(self, aggregate: "Activation") -> None:
            aggregate.stack = self.stack

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"active stack"})

    class Deleted(Event):
        """The scope no longer has an active stack; the global one applies."""

        TOPIC = "activation.deleted"

        def apply(self, aggregate: "Activation") -> None:
            aggregate.deleted = True

    def __init__(self, name: str, stack: UUID) -> None:
        super().__init__(name)
        self.stack = stack

    @classmethod
    def register(cls, scope: str, stack: UUID) -> Self:
        """Activate a stack in a scope that has none.

        Args:
            scope: What it applies to: everywhere, a project or a user.
            stack: The id of the stack.
        """
        return cls._create(cls.Registered, name=scope, stack=stack)

    def activate(self, stack: UUID) -> None:
        """Activate another stack.

        Args:
            stack: The id of the stack.

        Raises:
            NothingToChange: The stack is active already.
        """
        if stack == self.stack:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Activated, stack=stack)

    def revert(self, past: "Activation") -> None:
        """Activate the stack of an earlier revision; raises like `activate`."""
        self.activate(past.stack)

    def restore(self, past: "Activation") -> None:
        """Reject: a deleted activation is never restored.

        Raises:
            NotFound: Always; the next stack of the scope is a new activation.
        """
        raise NotFound(self.kind, self.name)

    def delete(self) -> None:
        """Deactivate the stack of the scope; the global one applies then."""
        self.must_exist()
        self.trigger_event(self.Deleted)
