"""Reactions: turns of workers, the state, what handlers change, and logging."""

import logging
import threading
import time

import pytest
from calls import Calls, declared, run
from workspaces import stack

from stackfold.domain.errors import (
    LogUnavailable,
    NotFound,
    OutsideChanges,
    ReactionDiverged,
    StatementRejected,
)
from stackfold.eventsourcing import Retries, Stack, on
from stackfold.infrastructure.reactions.worker import ReactionWorker


@pytest.fixture
def begun(ws):
    """A workspace in which the reaction "notify" has begun."""
    run(ws, declared(Calls()))
    return ws


# -- turns


def test_workers_take_turns_and_hand_each_event_over_once(begun):
    calls, stop = Calls(), threading.Event()
    workers = [
        threading.Thread(
            target=run, args=(begun, declared(calls)), kwargs={"timeout": None, "stop": stop}
        )
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for number in range(5):
        stack(begun, f"s{number}")
    while len(calls.events) < 5:
        time.sleep(0.01)
    stop.set()
    for worker in workers:
        worker.join()
    assert calls.names == [f"s{number}" for number in range(5)]


def test_a_worker_that_lost_its_turn_moves_no_checkpoint(begun):
    """As when a server that restarts releases the lock of a worker that is alive."""
    calls = Calls()

    def overtaken(event, delivery):
        calls(event, delivery)
        if len(calls.events) == 1:
            begun.reactions.reset("notify")

    stack(begun, "one")
    stack(begun, "two")
    (view,) = run(begun, declared(overtaken))
    assert calls.names == ["one"], "it continues where the reset says"
    assert view.lag == 0


def test_a_log_that_is_unavailable_for_a_moment_is_waited_for(begun, monkeypatch):
    calls, work, failures = Calls(), ReactionWorker._work, iter([1])

    def sometimes(worker):
        for _ in failures:
            raise LogUnavailable("somewhere", "is locked")
        return work(worker)

    monkeypatch.setattr(ReactionWorker, "_work", sometimes)
    stack(begun, "prod")
    run(begun, declared(calls))
    assert calls.names == ["prod"]


# -- the state


def test_a_rebuild_keeps_the_state_and_no_copy_contains_it(begun, tmp_path):
    stack(begun, "bad")
    run(begun, declared(Calls(fails=["bad"])))
    before = begun.reactions.list(), begun.reactions.failed()
    begun.log.rebuild()
    assert (begun.reactions.list(), begun.reactions.failed()) == before
    assert begun.log.verify().intact
    begun.log.fork(None, tmp_path / "copy")
    with type(begun).open(tmp_path / "copy") as copy:
        assert copy.reactions.list() == copy.reactions.failed() == []


def test_a_replaced_log_is_rejected_until_the_reaction_is_reset(begun):
    with begun._database.write() as cursor:
        cursor.execute("UPDATE reactions SET head = ?", (f"3:{'ab' * 32}",))
    calls = Calls()
    with pytest.raises(ReactionDiverged, match="reset the reaction") as raised:
        run(begun, declared(calls))
    assert raised.value.reaction == "notify"
    begun.reactions.reset("notify")
    stack(begun, "prod")
    run(begun, declared(calls))
    assert calls.names == ["prod"]


def test_a_reset_can_hand_everything_over_again(begun):
    calls = Calls()
    assert begun.reactions.reset("notify", 0).lag == 1
    run(begun, declared(calls))
    assert calls.names == ["default"]
    with pytest.raises(NotFound, match="never run"):
        begun.reactions.reset("other")


def test_programs_cannot_change_the_state_by_statements(begun):
    with begun.change() as change, pytest.raises(StatementRejected):
        change.execute("DELETE FROM reactions" if not begun._database.shared
                       else "DELETE FROM stackfold.reactions")  # fmt: skip


# -- what handlers change


def test_changes_of_a_handler_name_the_reaction_and_the_event(begun):
    @on(Stack.Registered, name="notify")
    def copies(event, delivery):
        if not event.name.startswith("copy-"):
            delivery.workspace.stacks.copy(event.name, f"copy-{event.name}")

    with begun.acting_as("alice@example.org", correlation_id="request-17"):
        stack(begun, "one")
    with begun.acting_as("worker@example.org"):
        run(begun, copies)
    stack(begun, "two")
    position = begun.log.head().position
    run(begun, copies)
    (one,) = begun.stacks.history("copy-one")
    (two,) = begun.stacks.history("copy-two")
    assert (one.by, one.correlation_id) == (
        "worker@example.org",
        "request-17;reaction=notify;hops=1",
    )
    assert (two.by, two.correlation_id) == (begun.actor, f"#{position};reaction=notify;hops=1")


def test_a_loop_ends_and_is_shown(begun):
    @on(Stack.Registered, name="notify")
    def endless(event, delivery):
        delivery.workspace.stacks.copy(event.name, f"{event.name}x")

    stack(begun, "s")
    run(begun, endless)
    assert len(begun.stacks.list()) == 12, "default, s, and ten copies"
    (failed,) = begun.reactions.failed()
    assert (failed.status, failed.attempts) == ("parked", 1)
    assert "10 reactions in a row led to this event" in failed.error


def test_a_handler_runs_outside_of_transactions_and_run_outside_of_changes(begun):
    def changes(event, delivery):
        if event.name == "one":
            with delivery.workspace.change():
                stack(delivery.workspace, "two")
            raise ValueError("after the change")

    stack(begun, "one")
    run(begun, declared(changes, retries=Retries(attempts=1)))
    assert begun.stacks.get("two")
    with begun.change(), pytest.raises(OutsideChanges):
        run(begun, declared(changes))


# -- logging


def test_each_delivery_is_logged_with_fields(begun, caplog):
    caplog.set_level(logging.INFO, "stackfold.reactions")
    for name in ("bad", "good"):
        stack(begun, name)
    run(begun, declared(Calls(fails=["bad"]), retries=Retries(2, 0, 0)))
    fields = [
        (each.levelname, each.outcome, each.attempt)
        for each in caplog.records
        if each.name == "stackfold.reactions"
    ]
    assert fields == [("WARNING", "retried", 1), ("ERROR", "parked", 2), ("INFO", "handled", 1)]
    last = caplog.records[-1]
    assert (last.reaction, last.topic) == ("notify", "stack.registered")
    assert last.position == begun.log.head().position
    assert last.delivery_id.startswith("dlv_")
    assert last.seconds >= 0
