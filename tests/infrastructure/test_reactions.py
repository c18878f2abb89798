"""Reactions: each event at least once, in order, retried and parked."""

import threading
import time

import pytest
from calls import Calls, declared, run
from workspaces import stack

from stackfold.domain.errors import Invalid, InvalidName, NotFound, UnreadableEvent
from stackfold.eventsourcing import LogEvent, Reaction, Retries, Stack, on
from stackfold.infrastructure.eventstore.event_mapper import EventMapper


@pytest.fixture
def begun(ws):
    """A workspace in which the reaction "notify" has begun."""
    run(ws, declared(Calls()))
    return ws


# -- what is handed over


def test_a_new_reaction_begins_with_the_next_event(ws):
    calls = Calls()
    stack(ws, "before")
    run(ws, declared(calls))
    stack(ws, "after")
    (view,) = run(ws, declared(calls))
    assert calls.names == ["after"]
    assert (view.name, view.head, view.lag, view.parked) == ("notify", str(ws.log.head()), 0, 0)


@pytest.mark.parametrize("how", ["run", "declaration"])
def test_a_new_reaction_can_begin_with_the_first_event(ws, how):
    calls = Calls()
    stack(ws, "before")
    run(ws, declared(calls, from_start=how == "declaration"), from_start=how == "run")
    run(ws, declared(calls), from_start=True)
    assert calls.names == ["default", "before"]


def test_a_handler_receives_the_event_and_its_delivery(begun):
    calls = Calls()
    stack(begun, "prod")
    run(begun, declared(calls))
    ((event,), (delivery,)) = calls.events, calls.deliveries
    assert isinstance(event, Stack.Registered)
    assert (delivery.reaction, delivery.attempt) == ("notify", 1)
    assert isinstance(delivery.recorded, LogEvent)
    assert delivery.recorded.head == str(begun.log.head())
    assert delivery.workspace is begun


def test_the_id_of_a_delivery_is_the_same_in_every_attempt_and_differs_between_reactions(begun):
    calls = Calls(fails=["prod"])
    stack(begun, "prod")
    run(begun, declared(calls), from_start=True)
    assert len(calls.deliveries) == 3
    (id,) = {each.id for each in calls.deliveries}
    other = Calls()
    run(begun, declared(other, name="other"), from_start=True)
    assert id.startswith("dlv_")
    assert id not in {each.id for each in other.deliveries}


def test_a_reaction_is_for_several_classes_or_for_all_events(ws):
    seen = []

    @on(Stack.Registered, "stack.renamed", from_start=True)
    def some(event, delivery):
        seen.append(event.TOPIC)

    @on(from_start=True)
    def every(event, delivery):
        everything.append(delivery.recorded.position)

    everything = []
    stack(ws, "prod")
    ws.stacks.rename("prod", "production")
    views = run(ws, some, every)
    assert seen == ["stack.registered", "stack.registered", "stack.renamed"]
    assert everything == [event.position for event in ws.log.events()]
    assert [view.name for view in views] == ["every", "some"]


def test_new_events_are_handed_over_while_it_runs(begun):
    calls, stop = Calls(), threading.Event()
    worker = threading.Thread(target=run, args=(begun, declared(calls)), kwargs={
        "timeout": None, "stop": stop})  # fmt: skip
    worker.start()
    for name in ("one", "two"):
        stack(begun, name)
        while calls.names[-1:] != [name]:
            time.sleep(0.01)
    assert begun.reactions.list()[0].running
    stop.set()
    worker.join()
    assert calls.names == ["one", "two"]
    assert not begun.reactions.list()[0].running


# -- failures


def test_an_event_that_fails_is_retried_before_the_next_one(begun):
    calls = Calls(fails=["bad"], times=2)
    for name in ("bad", "good"):
        stack(begun, name)
    run(begun, declared(calls))
    assert calls.names == ["bad", "bad", "bad", "good"]
    assert [each.attempt for each in calls.deliveries] == [1, 2, 3, 1]
    assert begun.reactions.failed() == []


def test_an_event_that_keeps_failing_is_parked_and_the_rest_goes_on(begun):
    calls = Calls(fails=["bad"])
    for name in ("bad", "good"):
        stack(begun, name)
    (view,) = run(begun, declared(calls))
    assert calls.names == ["bad", "bad", "bad", "good"]
    assert (view.parked, view.retrying, view.lag) == (1, 0, 0)
    (failed,) = begun.reactions.failed("notify")
    assert (failed.topic, failed.status, failed.attempts) == ("stack.registered", "parked", 3)
    assert failed.error == "ValueError: no bad"


def test_an_unordered_reaction_puts_a_failing_event_aside(begun):
    calls = Calls(fails=["bad"], times=1)
    for name in ("bad", "good"):
        stack(begun, name)
    run(begun, declared(calls, ordered=False), timeout=1)
    assert calls.names == ["bad", "good", "bad"]
    assert begun.reactions.failed() == []


def test_a_parked_event_is_retried_by_command(begun):
    calls = Calls(fails=["bad"])
    stack(begun, "bad")
    run(begun, declared(calls))
    (failed,) = begun.reactions.failed()
    calls.fails = []
    assert begun.reactions.retry("notify", failed.position) == 1
    (view,) = run(begun, declared(calls))
    assert calls.names == ["bad"] * 4
    assert calls.deliveries[-1].attempt == 1
    assert (view.parked, view.retrying) == (0, 0)


def test_an_event_that_is_retried_by_command_is_parked_again(begun):
    calls = Calls(fails=["bad"])
    stack(begun, "bad")
    run(begun, declared(calls))
    assert begun.reactions.retry("notify") == 1
    run(begun, declared(calls), timeout=0.5)
    assert [each.attempt for each in calls.deliveries] == [1, 2, 3, 1, 2, 3]
    assert [each.status for each in begun.reactions.failed()] == ["parked"]


def test_a_parked_event_is_given_up_by_command(begun):
    stack(begun, "bad")
    run(begun, declared(Calls(fails=["bad"])))
    assert begun.reactions.skip("notify") == 1
    assert begun.reactions.failed() == []
    with pytest.raises(NotFound, match="did not fail on it"):
        begun.reactions.skip("notify", 3)


def test_an_event_that_blocks_others_is_given_up_by_command(begun):
    calls = Calls(fails=["bad"])
    for name in ("bad", "good"):
        stack(begun, name)
    patient = declared(calls, retries=Retries(3, 60, 60))
    worker = threading.Thread(target=run, args=(begun, patient))
    worker.start()
    while not begun.reactions.failed() or begun.reactions.failed()[0].error != "ValueError: no bad":
        time.sleep(0.01)
    begun.reactions.skip("notify", begun.reactions.failed()[0].position)
    worker.join()
    assert calls.names == ["bad", "good"]
    assert begun.reactions.failed() == []


def test_the_number_of_attempts_outlives_the_worker(begun):
    stack(begun, "bad")
    stopped = threading.Event()

    def fails_and_stops(event, delivery):
        stopped.set()
        raise ValueError("no")

    patient = Retries(attempts=2, first=0.5, longest=0.5)
    run(begun, declared(fails_and_stops, retries=patient), stop=stopped)
    (failed,) = begun.reactions.failed()
    assert (failed.status, failed.attempts) == ("retrying", 1)
    calls = Calls(fails=["bad"])
    run(begun, declared(calls, retries=patient))
    assert [each.attempt for each in calls.deliveries] == [2]
    assert [each.status for each in begun.reactions.failed()] == ["parked"]


def test_an_event_that_ended_workers_is_parked(begun, monkeypatch):
    """As if the process were killed in the handler: nothing after it is executed."""
    stack(begun, "deadly")
    stack(begun, "good")

    def dies(event, delivery):
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run(begun, declared(dies))
    calls = Calls()
    run(begun, declared(calls))
    assert calls.names == ["good"]
    (failed,) = begun.reactions.failed()
    assert (failed.status, failed.attempts) == ("parked", 3)
    assert failed.error == "its worker ended while it handled the event"


def test_an_event_that_cannot_be_loaded_is_parked_at_once(begun, monkeypatch):
    def damaged(mapper, topic, *_):
        raise UnreadableEvent(topic, "it was damaged")

    stack(begun, "odd")
    calls = Calls()
    monkeypatch.setattr(EventMapper, "load", damaged)
    run(begun, declared(calls))
    monkeypatch.undo()
    (failed,) = begun.reactions.failed()
    assert (failed.status, failed.attempts, calls.events) == ("parked", 1, [])


def test_an_event_of_a_package_that_is_missing_is_handed_over_as_it_was_recorded(
    begun, monkeypatch
):
    seen = []
    stack(begun, "prod")
    monkeypatch.setattr(type(begun._database.aggregates), "event_class", lambda *_: None)
    run(begun, declared(lambda event, delivery: seen.append(event)))
    monkeypatch.undo()
    assert [(type(event), event.topic) for event in seen] == [(LogEvent, "stack.registered")]


def test_pauses_grow_up_to_a_limit_and_are_spread():
    retries = Retries(attempts=20, first=1.0, longest=60.0)
    assert [retries.delay(number, 1) for number in (1, 2, 3, 7, 2000)] == [1, 2, 4, 60, 60]
    assert retries.delay(3, 0) == 2


# -- declarations


async def asynchronous(event, delivery):
    pass


@pytest.mark.parametrize(
    ("declare", "error", "message"),
    [
        (lambda: on(Stack.Registered, lambda *_: None), InvalidName, "lambda"),
        (lambda: on(Stack.Registered, Calls(), name="a b"), InvalidName, "a b"),
        (lambda: on(Stack.Registered, asynchronous), Invalid, "asynchronous"),
        (lambda: on(7, Calls(), name="x"), Invalid, "no event"),
        (lambda: on("", Calls(), name="x"), Invalid, "no event"),
        (lambda: Reaction("x", None), Invalid, "no handler"),
        (lambda: Reaction("x", Calls(), "stack.registered"), Invalid, "must be a list"),
        (lambda: Reaction("x", Calls(), retries=Retries(0)), Invalid, "attempts"),
        (lambda: Reaction("x", Calls(), retries=Retries(3, -1.0)), Invalid, "seconds"),
        (lambda: Reaction("x", Calls(), retries=Retries(3, float("nan"))), Invalid, "seconds"),
        (lambda: Reaction("x", Calls(), retries=3), Invalid, "attempts"),
    ],
)
def test_an_invalid_declaration_is_rejected(declare, error, message):
    with pytest.raises(error, match=message):
        declare()


@pytest.mark.parametrize("given", [[], "notify", [7], [declared(Calls()), declared(Calls())]])
def test_what_are_no_reactions_is_not_run(ws, given):
    with pytest.raises(Invalid):
        ws.reactions.run(given, timeout=0)


def test_a_reaction_is_called_like_its_function():
    calls = Calls()
    event = type("Event", (), {"name": "s"})
    declared(calls)(event, type("Delivery", (), {"attempt": 1}))
    assert calls.events == [event]
