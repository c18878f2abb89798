"""Freezes: times in which production stacks stay as they are."""

from typing import Literal, Self

from stackfold.errors import NothingToChange
from stackfold.eventsourcing import Aggregate, FirstEvent


class Freeze(Aggregate):
    """A time in which production stacks stay as they are, until it is lifted."""

    TOPIC = "acme.freeze"

    class Event(Aggregate.Event):
        """Base class of the events of a freeze."""

    class Declared(Event, FirstEvent):
        """A freeze was declared."""

        TOPIC = "acme.freeze.declared"
        originator_topic: Literal["acme.freeze"]
        name: str
        team: str

    class Lifted(Event):
        """The freeze was lifted."""

        TOPIC = "acme.freeze.lifted"

        def apply(self, aggregate: "Freeze") -> None:
            aggregate.lifted = True

    def __init__(self, name: str, team: str) -> None:
        super().__init__(name)
        self.team = team
        self.lifted = False

    @classmethod
    def declare(cls, name: str, team: str) -> Self:
        """Declare a freeze.

        Args:
            name: Its name, unique among freezes.
            team: Whose stacks are frozen, by their label "team".
        """
        return cls._create(cls.Declared, name=name, team=team)

    def lift(self) -> None:
        """Lift the freeze.

        Raises:
            NothingToChange: It was lifted already.
        """
        if self.lifted:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Lifted)
