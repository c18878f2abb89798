"""given(...).when(...).then(...): the form in which aggregates are tested.

    given(Stack, registered).when(lambda stack: stack.delete()).then(event(Stack.Deleted))

A command that starts a stream gets the class: `given(Stack).when(lambda cls: cls.register(...))`.
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

event = partial
"""event(Stack.Renamed, name="prod"): an event without id, version, timestamp and metadata."""

ID = UUID("00000000-0000-4000-8000-000000000001")


class given:
    """An aggregate class, and the events of one of its instances so far."""

    def __init__(self, cls: type[Aggregate], *events: partial[Any]) -> None:
        self.cls, self.events = cls, events

    def when(self, command: Callable[[Any], object]) -> Self:
        self.past = stamped(*self.events)
        self.aggregate: Any = replay(self.past)
        self.command = command
        return self

    def then(self, *expected: partial[Any]) -> Any:
        """Assert that the command triggers exactly these events; return the aggregate."""
        started = datetime.now(UTC)
        result = self.command(self.aggregate or self.cls)
        if self.aggregate is None:
            self.aggregate = result
        new: Sequence[Any] = self.aggregate.collect_events()
        completed = stamped(*self.events, *expected)[len(self.events) :]
        assert [(type(each), data_of(each)) for each in new] == [
            (partial_event.func, data_of(whole))
            for partial_event, whole in zip(expected, completed, strict=True)
        ]
        for version, each in enumerate(new, start=len(self.past) + 1):
            assert started <= each.timestamp <= datetime.now(UTC), "the timestamp is not now"
            assert each.originator_id == self.aggregate.id
            assert each.originator_version == version
            if isinstance(each, FirstEvent):
                assert each.originator_topic == self.cls.TOPIC
        self.assert_nothing_shared([*self.past, *new])
        assert replay([*self.past, *new]) == self.aggregate, "a replay differs"
        return self.aggregate

    def raises(self, error: type[Exception], match: str) -> None:
        """Assert that the command raises `error` and changes nothing."""
        with pytest.raises(error, match=match):
            self.command(self.aggregate or self.cls)
        if self.aggregate is not None:
            assert not self.aggregate.pending_events, "a failed command left an event behind"
            assert self.aggregate == replay(stamped(*self.events)), "a failed command changed it"

    def assert_nothing_shared(self, events: Iterable[Any]) -> None:
        """Assert that no mutator changed its event or shares a container with it."""
        assert self.past == stamped(*self.events), "a mutator changed its event"
        containers = {id(value) for value in vars(self.aggregate).values() if is_mutable(value)}
        for each in events:
            shared = [name for name, value in vars(each).items() if id(value) in containers]
            assert not shared, f"the aggregate and {type(each).__name__} share {shared}"


def stamped(*events: partial[Any]) -> list[Any]:
    """Complete the events: one stream, a day apart, with metadata."""
    completed = [
        each(
            originator_id=ID,
            originator_version=version,
            timestamp=datetime(2026, 1, version, tzinfo=UTC),
            **(
                {"originator_topic": each.func.TOPIC.partition(".")[0]}
                if issubclass(each.func, FirstEvent)
                else {}
            ),
        )
        for version, each in enumerate(events, start=1)
    ]
    for each in completed:
        each.stamp(EventMetadata("somebody"))
    return completed


def replay(events: Iterable[Any]) -> Any:
    """The aggregate after these events; None if there are none."""
    aggregate = None
    for each in events:
        aggregate = each.mutate(aggregate)
    return aggregate


def past(*events: partial[Any]) -> Any:
    """The aggregate after these incomplete events."""
    return replay(stamped(*events))


def data_of(whole: DomainEvent) -> dict[str, Any]:
    """The fields that an event class declares itself."""
    return {name: value for name, value in whole if name not in ENVELOPE}


def is_mutable(value: object) -> bool:
    return isinstance(value, dict | list | set)


ENVELOPE = {*FirstEvent.model_fields}
