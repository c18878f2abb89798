"""given(...).when(...).then(...): how every aggregate is tested.

    given(Stack, registered).when(lambda stack: stack.delete()).then(that(Stack.Deleted))

A command that begins a stream gets the class: `given(Stack).when(lambda kind: kind.register(...))`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self
from uuid import UUID

import pytest

from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.eventsourcing.event import DomainEvent, FirstEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata

that = partial
"""that(Stack.Renamed, name="prod"): a fact, without who, when and where it stands."""

ID = UUID("00000000-0000-4000-8000-000000000001")


class given:
    """An aggregate of a kind, to which these facts have happened."""

    def __init__(self, kind: type[Aggregate], *facts: partial[Any]) -> None:
        self.kind, self.facts = kind, facts

    def when(self, command: Callable[[Any], object]) -> Self:
        self.past = stamped(*self.facts)
        self.aggregate: Any = replay(self.past)
        self.command = command
        return self

    def then(self, *facts: partial[Any]) -> Any:
        """Exactly these events, in this order, and no others; returns the aggregate."""
        began = datetime.now(UTC)
        answer = self.command(self.aggregate or self.kind)
        if self.aggregate is None:
            self.aggregate = answer
        news: Sequence[Any] = self.aggregate.collect_events()
        assert [(type(event), facts_of(event)) for event in news] == [
            (fact.func, facts_of(expected))
            for fact, expected in zip(facts, self.expected(facts), strict=True)
        ]
        for version, event in enumerate(news, start=len(self.past) + 1):
            assert began <= event.timestamp <= datetime.now(UTC), "the event is not timed"
            assert event.originator_id == self.aggregate.id
            assert event.originator_version == version
            if isinstance(event, FirstEvent):
                assert event.originator_topic == self.kind.TOPIC
        self.nothing_is_shared([*self.past, *news])
        assert replay([*self.past, *news]) == self.aggregate, "a replay differs"
        return self.aggregate

    def refused(self, error: type[Exception], match: str) -> None:
        """The command raises, and nothing has happened."""
        with pytest.raises(error, match=match):
            self.command(self.aggregate or self.kind)
        if self.aggregate is not None:
            assert not self.aggregate.pending_events, "a refused command left an event behind"
            assert self.aggregate == replay(stamped(*self.facts)), "a refused command changed it"

    def expected(self, facts: Sequence[partial[Any]]) -> list[Any]:
        return stamped(*self.facts, *facts)[len(self.facts) :]

    def nothing_is_shared(self, events: Iterable[Any]) -> None:
        """No mutator has changed its event, or kept hold of a container that is the event's."""
        assert self.past == stamped(*self.facts), "a mutator changed its event"
        held = {id(value) for value in vars(self.aggregate).values() if is_mutable(value)}
        for event in events:
            shared = [name for name, value in vars(event).items() if id(value) in held]
            assert not shared, f"the aggregate and {type(event).__name__} share {shared}"


def stamped(*facts: partial[Any]) -> list[Any]:
    """The facts as events of one stream, a day apart."""
    events = [
        fact(
            originator_id=ID,
            originator_version=version,
            timestamp=datetime(2026, 1, version, tzinfo=UTC),
            **(
                {"originator_topic": fact.func.TOPIC.partition(".")[0]}
                if issubclass(fact.func, FirstEvent)
                else {}
            ),
        )
        for version, fact in enumerate(facts, start=1)
    ]
    for event in events:
        event.stamp(EventMetadata("somebody"))
    return events


def replay(events: Iterable[Any]) -> Any:
    aggregate = None
    for event in events:
        aggregate = event.mutate(aggregate)
    return aggregate


def past(*facts: partial[Any]) -> Any:
    """The aggregate that these facts make."""
    return replay(stamped(*facts))


def facts_of(event: DomainEvent) -> dict[str, Any]:
    """What an event says beside who, when and where it stands."""
    return {name: value for name, value in event if name not in ENVELOPE}


def is_mutable(value: object) -> bool:
    return isinstance(value, dict | list | set)


ENVELOPE = {*FirstEvent.model_fields}
