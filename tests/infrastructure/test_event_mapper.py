"""Mapping events to stored bytes and back."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from event_examples import EVERY_CLASS, EXAMPLES, FACTS
from eventsourcing.persistence import StoredEvent
from freezegun import freeze_time

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import UnreadableEvent, Unrecordable
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.testing import event, stamped
from stackfold.testing.given_when_then import ID

MAPPER = EventMapper(STACKFOLD_AGGREGATES)

each_example = pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.TOPIC)


def stored(**facts):
    return StoredEvent(
        **{
            "originator_id": ID,
            "originator_version": 1,
            "topic": "component.renamed",
            "state": b'{"by":"a","name":"b","timestamp":"2026-01-01T00:00:00+00:00","why":""}',
            **facts,
        }
    )


def component(**configuration):
    return stamped(
        event(
            Component.Registered,
            type=ComponentType.ALERTER,
            name="a",
            flavor="f",
            configuration=configuration,
            labels={},
        )
    )[0]


def in_json(event):
    return json.dumps(event.model_dump(mode="json"), sort_keys=True)


def test_every_event_class_has_an_example():
    assert {fact.func for fact in FACTS} == {*EVERY_CLASS}


@each_example
def test_an_event_is_loaded_as_it_was_stored(event):
    back = MAPPER.to_domain_event(MAPPER.to_stored_event(event))
    assert type(back) is type(event)
    assert vars(back) == vars(event)
    # Equality takes 1 for True and 1.0; JSON does not.
    assert in_json(back) == in_json(event)


@each_example
def test_storing_a_loaded_event_yields_the_same_bytes(event):
    first = MAPPER.to_stored_event(event)
    assert MAPPER.to_stored_event(MAPPER.to_domain_event(first)) == first


@each_example
def test_the_bytes_are_canonical_json(event):
    state = MAPPER.to_stored_event(event).state
    text = state.decode("utf-8")
    parsed = json.loads(text)
    compact = json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Python writes a tiny number in another way; nothing else may differ.
    assert text.replace("5e-324", "0.1") == compact.replace("5e-324", "0.1")


@each_example
def test_id_revision_and_topic_are_in_columns(event):
    stored_event = MAPPER.to_stored_event(event)
    assert stored_event.topic == event.TOPIC
    assert stored_event.originator_id == event.originator_id
    assert stored_event.originator_version == event.originator_version
    assert {"originator_id", "originator_version"}.isdisjoint(json.loads(stored_event.state))


def test_two_orders_of_the_same_facts_are_the_same_bytes():
    one, other = component(a=1, b={"x": 1, "y": 2}), component(b={"y": 2, "x": 1}, a=1)
    assert MAPPER.to_stored_event(one).state == MAPPER.to_stored_event(other).state


def test_a_time_is_stored_in_utc_to_the_microsecond():
    east = timezone(timedelta(hours=5, minutes=30))
    (deleted,) = stamped(event(Component.Deleted))
    for microsecond, text in ((0, b"2026-01-01T00:00:00+"), (7, b"2026-01-01T00:00:00.000007+")):
        moment = datetime(2026, 1, 1, 5, 30, 0, microsecond, tzinfo=east)
        state = MAPPER.to_stored_event(deleted.model_copy(update={"timestamp": moment})).state
        assert b'"timestamp":"%b00:00"' % text in state


def test_an_event_without_metadata_is_rejected():
    (event,) = Component.register(ComponentType.ALERTER, "a", "f", {}).pending_events
    with pytest.raises(Unrecordable, match="who acts"):
        MAPPER.to_stored_event(event)


def test_an_event_that_no_aggregate_type_declares_is_rejected():
    class Painted(Component.Event):
        TOPIC = "component.painted"

    event = Painted(originator_id=uuid4(), originator_version=2, timestamp=datetime.now(UTC))
    event.stamp(EventMetadata("ada"))
    with pytest.raises(Unrecordable, match=r"'component\.painted'"):
        MAPPER.to_stored_event(event)


def test_a_frozen_time_is_stored_like_any_other():
    with freeze_time("2026-02-03 04:05:06"):
        (event,) = Component.register(ComponentType.ALERTER, "a", "f", {}).pending_events
        event.stamp(EventMetadata("ada"))
        state = MAPPER.to_stored_event(event).state
    assert b'"timestamp":"2026-02-03T04:05:06+00:00"' in state
    back = MAPPER.to_domain_event(stored(topic="component.registered", state=state))
    assert back.timestamp == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"deep": [float("-inf")]}])
def test_an_infinite_number_is_rejected_instead_of_stored_as_null(value):
    with pytest.raises(Unrecordable, match=r"'component.registered' cannot be recorded"):
        MAPPER.to_stored_event(component(rate=value))


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, "\udcff"])
def test_what_json_cannot_represent_is_rejected(value):
    event = component(ok=None)
    event.configuration["value"] = value
    with pytest.raises(Unrecordable) as error:
        MAPPER.to_stored_event(event)
    assert "\n" not in str(error.value)


# -- damaged and hostile logs


@pytest.mark.parametrize(
    "topic",
    [
        "component.exploded",
        "component",
        "component.",
        "",
        "rocket.launched",
        "os.system",
        "os:system",
        "subprocess:Popen",
        "component.Registered",
        "component.registered.again",
        "eventsourcing.domain:Aggregate.Created",
    ],
)
def test_an_unknown_topic_is_rejected(topic):
    with pytest.raises(UnreadableEvent, match="a newer version of Stackfold wrote it"):
        MAPPER.to_domain_event(stored(topic=topic))


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b"{}",
        stored().state[:-1],
        stored().state.replace(b'"name":"b",', b""),
        stored().state.replace(b'"name"', b'"nama"'),
        stored().state.replace(b'"b"', b"7"),
        stored().state.replace(b"2026", b"never"),
        stored().state.replace(b'"why"', b'"colour":"red","why"'),
        b"[" * 100_000,
    ],
)
def test_damaged_bytes_are_rejected(state):
    with pytest.raises(UnreadableEvent, match=r"'component.renamed' that cannot be loaded: it was"):
        MAPPER.to_domain_event(stored(state=state))


def test_the_undamaged_bytes_are_accepted():
    assert MAPPER.to_domain_event(stored()).name == "b"


@pytest.mark.parametrize("event", [e for e in EXAMPLES if hasattr(e, "originator_topic")],
                         ids=lambda event: event.TOPIC)  # fmt: skip
def test_a_log_cannot_choose_the_class_of_an_aggregate(event):
    good = MAPPER.to_stored_event(event)
    word = f'"originator_topic":"{event.originator_topic}"'.encode()
    assert word in good.state
    for evil in (b"flaw", b"subprocess:Popen", b"stack" if b"stack" not in word else b"run"):
        bad = replace(good, state=good.state.replace(word, b'"originator_topic":"%b"' % evil))
        with pytest.raises(UnreadableEvent):
            MAPPER.to_domain_event(bad)


def test_a_log_cannot_import_a_module():
    program = """
import sys
from uuid import UUID, uuid4
from eventsourcing.persistence import StoredEvent
from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import UnreadableEvent
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
mapper = EventMapper(STACKFOLD_AGGREGATES)
assert "stackfold.domain.runs.run" not in sys.modules, "an aggregate is loaded when it is needed"
before = {*sys.modules}
for topic in ("turtle.Turtle", "turtle:Turtle", "antigravity.x", "colorsys", "__main__.x"):
    try:
        mapper.to_domain_event(StoredEvent(UUID(int=1), 1, topic, b"{}"))
    except UnreadableEvent:
        continue
    raise SystemExit(f"{topic} was loaded")
print(*sorted({*sys.modules} - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
