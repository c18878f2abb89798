"""What every event and every aggregate of ours has in common."""

from datetime import UTC, datetime

import pytest
from freezegun import freeze_time
from pydantic import ValidationError

from stackfold.domain.eventsourcing.event import DomainEvent, FirstEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.runs.run import Run
from stackfold.domain.stacks.activation import Activation
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.flavor import Flavor
from stackfold.domain.stacks.stack import Stack
from stackfold.testing import event, stamped

AGGREGATES = (Activation, Component, Flavor, Run, Stack)
EVENTS = [
    (aggregate, event)
    for aggregate in AGGREGATES
    for event in vars(aggregate).values()
    if isinstance(event, type) and issubclass(event, DomainEvent) and event is not aggregate.Event
]
each_event = pytest.mark.parametrize(
    ("aggregate", "event"), EVENTS, ids=[event.TOPIC for _, event in EVENTS]
)

registered = event(
    Component.Registered,
    type=ComponentType.ALERTER,
    name="a",
    flavor="f",
    configuration={"to": "x"},
    labels={},
)


@each_event
def test_a_topic_begins_with_its_aggregates(aggregate, event):
    # Of an event of a base class, the library derives a class.
    declared = next(each for each in event.__mro__ if "TOPIC" in vars(each))
    assert declared.__name__ == event.__name__
    first, _, rest = event.TOPIC.partition(".")
    assert first == aggregate.TOPIC
    assert rest.replace("_", "") == event.__name__.lower()


@each_event
def test_an_event_refuses_what_it_does_not_declare_and_stays_as_it_is(aggregate, event):
    assert event.model_config["extra"] == "forbid"
    assert event.model_config["frozen"]


@each_event
def test_exactly_one_kind_of_event_begins_a_stream_and_names_its_aggregate(aggregate, event):
    beginnings = [e for a, e in EVENTS if a is aggregate and issubclass(e, FirstEvent)]
    assert len(beginnings) == 1
    if event in beginnings:
        assert event.model_fields["originator_topic"].annotation.__args__ == (aggregate.TOPIC,)


def test_topics_are_unique():
    topics = [event.TOPIC for _, event in EVENTS]
    assert len(topics) == len({*topics})


def test_an_event_cannot_be_changed():
    (event,) = stamped(registered)
    with pytest.raises(ValidationError, match="frozen"):
        event.name = "b"


def test_an_event_refuses_an_unknown_field():
    with pytest.raises(ValidationError, match="colour"):
        stamped(event(registered, colour="red"))


def test_no_stream_can_be_made_an_instance_of_another_class():
    with pytest.raises(ValidationError, match="originator_topic"):
        stamped(registered)[0].model_validate(
            {**vars(stamped(registered)[0]), "originator_topic": "builtins:object"}
        )


def test_an_event_has_no_metadata_until_it_is_saved():
    component = Component.register(ComponentType.ALERTER, "a", "f", {})
    (event,) = component.collect_events()
    assert event.event_metadata is None


def test_metadata_is_attached_to_an_event_whose_data_is_frozen():
    component = Component.register(ComponentType.ALERTER, "a", "f", {})
    (event,) = component.collect_events()
    event.stamp(EventMetadata("ada", "first", undoes=3))
    assert event.event_metadata == EventMetadata(by="ada", why="first", undoes=3)
    with pytest.raises(ValidationError, match="frozen"):
        event.name = "b"


@pytest.mark.parametrize("name", EventMetadata._fields)
def test_an_event_class_cannot_have_a_field_of_the_metadata(name):
    with pytest.raises(TypeError, match=f"Sold: the field '{name}' is reserved"):
        type("Sold", (DomainEvent,), {"TOPIC": "stack.sold", "__annotations__": {name: str}})


def test_time_can_be_frozen():
    with freeze_time("2026-02-03 04:05:06.000007"):
        component = Component.register(ComponentType.ALERTER, "a", "f", {})
    assert component.pending_events[0].timestamp == datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
