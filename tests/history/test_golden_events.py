"""Every event that was ever recorded can be loaded by the current code.

`golden_events/` holds events as logs hold them, byte for byte: `TOPIC.vVERSION.json`. A file there
is never changed. Fields that an event class gets later need a further example, such as
`run.started.v1.with-secrets.json`; see `add_golden_events.py`.
"""

from pathlib import Path

import orjson
import pytest
from event_examples import EVERY_CLASS
from eventsourcing.persistence import StoredEvent

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import UnreadableEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.origin import Origin
from stackfold.domain.stacks.stack import Stack
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.testing.given_when_then import ID

MAPPER = EventMapper(STACKFOLD_AGGREGATES)
GOLDEN = sorted(Path(__file__).with_name("golden_events").iterdir())
CLASSES = {event_class.TOPIC: event_class for event_class in EVERY_CLASS}

each_golden = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
each_class = pytest.mark.parametrize("event_class", EVERY_CLASS, ids=lambda each: each.TOPIC)


def topic_and_version(path):
    aggregate, event, version, *_ = path.name.split(".")
    return f"{aggregate}.{event}", int(version.removeprefix("v"))


def loaded(topic, state):
    return MAPPER.to_domain_event(StoredEvent(ID, 1, topic, state))


def golden(topic, version):
    return [path.read_bytes() for path in GOLDEN if topic_and_version(path) == (topic, version)]


@each_golden
def test_a_golden_event_is_loaded(path):
    topic, _ = topic_and_version(path)
    event = loaded(topic, path.read_bytes())
    assert type(event) is CLASSES[topic]
    assert event.event_metadata.by == "somebody"


@each_golden
def test_the_current_code_stores_it_with_the_same_bytes(path):
    topic, version = topic_and_version(path)
    state = path.read_bytes()
    event = loaded(topic, state)
    again = MAPPER.to_stored_event(event).state
    if version == event.class_version and {*orjson.loads(state)} == {*orjson.loads(again)}:
        assert again == state
    assert loaded(topic, again) == event


@each_class
def test_every_version_of_every_event_has_a_golden_example(event_class):
    for version in range(1, event_class.class_version + 1):
        assert golden(event_class.TOPIC, version), "run add_golden_events.py"


@each_class
def test_the_golden_examples_of_an_event_have_all_of_its_fields(event_class):
    states = map(orjson.loads, golden(event_class.TOPIC, event_class.class_version))
    fields = {name for state in states for name in state} - {"class_version"}
    apart = {"originator_id", "originator_version", "event_metadata"}
    of_a_request = {"correlation_id", "database_role"}
    assert fields - of_a_request == {*event_class.model_fields} - apart | {"by", "why", "undoes"}


def test_a_golden_example_has_the_metadata_of_a_request():
    (state,) = (path.read_bytes() for path in GOLDEN if "with-request" in path.name)
    metadata = loaded("stack.deleted", state).event_metadata
    assert metadata == EventMetadata("somebody", "", None, "request-7", "app")


# -- an event with a second version, to show how


@pytest.mark.parametrize("event_class", [Stack.Registered, Component.Registered])
def test_version_1_does_not_record_the_copied_revision(event_class):
    (old,) = golden(event_class.TOPIC, 1)
    assert b'"class_version"' not in old
    state = orjson.loads(old) | {"copied_from": str(ID)}
    event = loaded(event_class.TOPIC, orjson.dumps(state))
    assert event.copied_from == Origin(id=ID, revision=None)
    assert (
        loaded(event_class.TOPIC, orjson.dumps(state | {"copied_from": None})).copied_from is None
    )


def test_version_2_records_the_copied_revision(ws):
    stack = {"orchestrator": "default", "artifact_store": "default"}
    ws.stacks.register("prod", **stack)
    ws.stacks.update("prod", description="For real")
    ws.stacks.copy("prod", "copy")
    *_, event = ws.log.events()
    assert event.data["class_version"] == 2
    assert event.data["copied_from"] == {"id": ws.stacks.get("prod").id, "revision": 2}


def test_an_old_log_has_the_same_read_models_and_can_be_extended(ws):
    """A log in which a copy was recorded by version 1."""
    stack = {"orchestrator": "default", "artifact_store": "default"}
    original = ws.stacks.register("prod", **stack)
    ws.stacks.copy("prod", "copy")
    with ws._database.write() as cursor:
        cursor.execute("DROP TRIGGER events_stay_as_they_are")
        ((position, state),) = cursor.execute(
            "SELECT position, state FROM events ORDER BY position DESC LIMIT 1"
        ).fetchall()
        old = orjson.loads(state) | {"copied_from": original.id}
        del old["class_version"]
        cursor.execute(
            "UPDATE events SET state = ? WHERE position = ?", [orjson.dumps(old), position]
        )
    before = ws.stacks.list()
    ws.log.rebuild()
    assert ws.stacks.list() == before
    assert ws.stacks.rename("copy", "other").revision == 2


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (3, "a newer version of Stackfold wrote it"),
        (0, "damaged"),
        ("x", "damaged"),
        (-1, "damaged"),
    ],
)
def test_an_unknown_version_is_rejected(version, reason):
    (current,) = golden("stack.registered", 2)
    state = orjson.loads(current) | {"class_version": version}
    with pytest.raises(UnreadableEvent, match=reason):
        loaded("stack.registered", orjson.dumps(state))


@each_class
def test_fields_that_were_added_later_are_omitted_at_their_default(event_class):
    first = loaded(event_class.TOPIC, golden(event_class.TOPIC, event_class.class_version)[0])
    stored = orjson.loads(MAPPER.to_stored_event(first).state)
    assert {*event_class.model_fields} >= event_class.LATER_FIELDS
    assert not event_class.LATER_FIELDS & {*stored}
