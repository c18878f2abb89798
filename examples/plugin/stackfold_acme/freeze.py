"""Freezes: times in which the stacks of a team stay as they are."""

from typing import Literal, NamedTuple, Self

from stackfold.eventsourcing import (
    Aggregate,
    AggregateType,
    FirstEvent,
    ReadModel,
    TemporalProjection,
    shown,
)


class Freeze(Aggregate):
    """A time in which the stacks of a team stay as they are, until it is lifted."""

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
            aggregate.deleted = True

    def __init__(self, name: str, team: str) -> None:
        super().__init__(name)
        self.team = team

    @classmethod
    def declare(cls, name: str, team: str) -> Self:
        """Declare a freeze.

        Args:
            name: Its name, unique among the freezes that last.
            team: Whose stacks it concerns, by their label "team".
        """
        return cls._create(cls.Declared, name=name, team=team)

    def lift(self) -> None:
        """Lift the freeze.

        Raises:
            NotFound: It was lifted already.
        """
        self.must_exist()
        self.trigger_event(self.Lifted)


class FreezeRow(NamedTuple):
    """A freeze that lasts."""

    name: str
    team: str


def apply(row: FreezeRow | None, event: Freeze.Event) -> FreezeRow | None:
    """The row of a freeze after an event; None for one that was lifted."""
    match event:
        case Freeze.Declared():
            return FreezeRow(event.name, event.team)
        case _:
            return None


FREEZES = AggregateType(
    Freeze,
    projection=TemporalProjection(
        ReadModel(
            topic=Freeze.TOPIC,
            table="acme_freezes",
            row=FreezeRow,
            describe={"name": shown("name"), "team": shown("team")},
        ),
        apply,
    ),
)
