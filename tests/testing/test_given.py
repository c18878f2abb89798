"""given/when/then: what it checks, and how it says what differs."""

import subprocess
import sys
from uuid import UUID

import pytest

from stackfold.domain.errors import NothingToChange, StackfoldError
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.testing import event, given, past, stamped
from stackfold.testing.given_when_then import ID


class Loose(Aggregate):
    """What an aggregate must not do."""

    TOPIC = "loose"

    class Event(Aggregate.Event):
        pass

    class Registered(Event, FirstEvent):
        TOPIC = "loose.registered"
        name: str

    class Labelled(Event):
        TOPIC = "loose.labelled"
        labels: dict[str, str]

        def apply(self, loose):
            loose.labels = self.labels

    class Cleared(Event):
        TOPIC = "loose.cleared"

        def apply(self, loose):
            loose.labels.clear()

    def __init__(self, name):
        super().__init__(name)
        self.labels = {}

    @classmethod
    def create(cls, name):
        return cls._create(cls.Registered, id=ID, name=name)

    def label(self, labels):
        self.trigger_event(self.Labelled, labels=labels)

    def clear(self):
        self.trigger_event(self.Cleared)

    def refuse(self, late=False, name=None):
        if late:
            self.label({})
        if name:
            self.name = name
        raise NothingToChange(self.kind, self.name, 1)

    def clear_quietly(self):
        self.clear()
        self.name = "changed behind the log's back"


loose = event(Loose.Registered, name="a")
labelled = event(Loose.Labelled, labels={"a": "b"})
cleared = event(Loose.Cleared)


@pytest.mark.parametrize(
    ("facts", "command", "then", "complaint"),
    [
        ([loose], lambda a: a.label({"a": "b"}), [labelled], "share"),
        ([loose, labelled], lambda a: a.clear(), [cleared], "changed an earlier event"),
        (
            [loose],
            lambda a: a.clear_quietly(),
            [cleared],
            "a replay of the events",
        ),
        ([loose], lambda a: a.clear(), [], "Cleared"),
        ([loose], lambda a: a.label({"a": "c"}), [labelled], "'c'"),
        ([loose], lambda a: a.clear(), [labelled], "Cleared"),
        ([loose], lambda a: None, [cleared], "Cleared"),
    ],
)
def test_given_when_then_notices(facts, command, then, complaint):
    with pytest.raises(AssertionError, match=complaint):
        given(Loose, *facts).when(command).then(*then)


def message_of(assertion):
    with pytest.raises(AssertionError) as caught:
        assertion()
    return str(caught.value)


def test_a_failure_says_which_field_of_which_event_differs():
    command = given(Loose, loose).when(lambda a: a.label({"a": "x", "c": "d"}))
    expected = event(Loose.Labelled, labels={"a": "b", "c": "d"})
    assert message_of(lambda: command.then(expected, cleared)) == (
        "the command triggered other events than expected:\n"
        "  1. Loose.Labelled: labels['a'] is 'x', expected 'b'\n"
        "  2. no event, expected Loose.Cleared()"
    )


def test_a_failure_shows_events_of_another_class():
    command = given(Loose, loose).when(lambda a: a.label({"a": "x"}))
    assert message_of(lambda: command.then(cleared)) == (
        "the command triggered other events than expected:\n"
        "  1. Loose.Labelled(labels={'a': 'x'}), expected Loose.Cleared()"
    )


def test_a_failure_says_which_field_a_replay_changes():
    command = given(Loose, loose).when(lambda a: a.clear_quietly())
    assert message_of(lambda: command.then(cleared)) == (
        "a replay of the events yields another aggregate:\n"
        "  name is \"changed behind the log's back\", replayed 'a'"
    )


def test_a_rejection_returns_its_error():
    error = given(Loose, loose).when(lambda a: a.refuse()).rejected(StackfoldError)
    assert isinstance(error, NothingToChange)
    assert error.name == "a"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (lambda a: None, "the command was accepted, expected NothingToChange; its events:"),
        (lambda a: a.clear(), r"accepted, expected NothingToChange; its events:\n  Loose.Cleared"),
        (lambda a: a.refuse(), "the message of NothingToChange is .*, expected 'other text'"),
        (lambda a: a.refuse(late=True), "the rejected command left an event behind"),
        (lambda a: a.refuse(name="b"), r"changed the aggregate:\n  name is 'b', before 'a'"),
    ],
)
def test_a_rejection_is_checked(command, complaint):
    with pytest.raises(AssertionError, match=complaint):
        given(Loose, loose).when(command).rejected(NothingToChange, "other text")


def test_another_error_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError):
        given(Loose, loose).when(lambda a: 1 / 0).rejected(NothingToChange)


def test_a_command_that_creates_an_aggregate_is_given_the_class():
    created = given(Loose).when(lambda cls: cls.create("a")).then(loose)
    assert created.name == "a"


def test_events_of_several_aggregates_are_numbered_apart():
    events = stamped(loose, event(loose, originator_id=UUID(int=7)), *[labelled] * 40)
    assert [each.originator_version for each in events[:3]] == [1, 1, 2]
    assert events[2].originator_id == ID
    assert [each.timestamp for each in events] == sorted({each.timestamp for each in events})
    assert {each.event_metadata.by for each in events} == {"somebody"}


def test_the_past_is_an_aggregate():
    assert past(loose, labelled).labels == {"a": "b"}


def test_failures_do_not_depend_on_assert_statements():
    program = (
        "from stackfold.eventsourcing import Activation\n"
        "from stackfold.testing import event, given\n"
        "registered = event(Activation.Registered, name='global', stack='0' * 32)\n"
        "given(Activation, registered).when(lambda a: a.delete()).then()\n"
    )
    command = [sys.executable, "-O", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("  1. Activation.Deleted(), expected no event\n"), done.stderr
