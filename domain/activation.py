"""Activation: which stack is active in a scope."""

from typing import Literal, Self
from uuid import UUID

from stackfold.domain.errors import NothingToChange
from stackfold.domain.events import Aggregate, FirstEvent

GLOBAL = "global"
"""The scope that counts where no project has its own."""


class Activation(Aggregate):
    """One scope's choice of a stack; the scope's name is "global" or "project:<id>"."""

    TOPIC = "activation"

    class Event(Aggregate.Event):
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

        def apply(self, activation: "Activation") -> None:
            activation.stack = self.stack

        def touches(self) -> frozenset[str]:
            return frozenset({"active stack"})

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
