"""Subscriptions: where they start, what they select, how they end, and in an event loop."""

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext

import pytest
from workspaces import stack, store

from stackfold.errors import Invalid, LogDiverged, LogUnavailable, StackfoldError
from stackfold.infrastructure.eventstore import event_subscription
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace


def positions(events):
    return [event.position for event in events]


# -- where it starts


def test_a_subscription_continues_after_the_head_of_an_event(ws):
    stack(ws, "prod")
    third = [*ws.subscribe(timeout=0)][2]
    assert third.head.startswith("3:")
    assert positions(ws.subscribe(third.head, timeout=0)) == [4, 5]
    assert positions(ws.subscribe(ws.log.head(), timeout=0)) == []
    assert positions(ws.subscribe("0:" + 64 * "0", timeout=0)) == [1, 2, 3, 4, 5]


def test_a_log_that_was_restored_from_an_older_backup_is_noticed(tmp_path):
    with Workspace.open(tmp_path / "home") as ws:
        stack(ws, "before")
        backup = tmp_path / "backup.jsonl"
        ws.log.export(backup)
        stack(ws, "a"), stack(ws, "b"), stack(ws, "c")
        seen = ws.log.head()
    Workspace.import_log(backup, tmp_path / "restored")
    with Workspace.open(tmp_path / "restored") as ws:
        with pytest.raises(LogDiverged, match="the log ends at position 5; rebuild"):
            ws.subscribe(seen)
        with pytest.raises(LogDiverged, match="the log ends at position 5"):
            ws.subscribe(seen.position)
        stack(ws, "d"), stack(ws, "e"), stack(ws, "f")
        with pytest.raises(LogDiverged, match="has another event at 8") as raised:
            ws.subscribe(str(seen))
        assert raised.value.checkpoint == str(seen)
        # Without a hash there is nothing to compare.
        assert positions(ws.subscribe(seen.position, timeout=0)) == []


def test_a_log_that_is_replaced_under_a_subscription_is_noticed():
    with Workspace.in_memory() as ws:
        stack(ws, "prod")
        with ws.subscribe(timeout=20) as events:
            assert next(events).position == 1
            assert positions(next(events) for _ in range(4)) == [2, 3, 4, 5]
            with ws._database.write() as cursor:
                cursor.execute("DROP TRIGGER events_stay")
                cursor.execute("DELETE FROM events WHERE position > 4")
            with pytest.raises(LogDiverged):
                next(events)


def test_a_file_that_is_replaced_under_a_subscription_is_noticed(tmp_path):
    for name in ("log", "backup"):
        Workspace.open(tmp_path / name).close()
    with Workspace.open(tmp_path / "log") as ws, ws.subscribe(after=4) as events:
        other = threading.Timer(
            0.1, (tmp_path / "backup" / LOG_FILE).replace, [tmp_path / "log" / LOG_FILE]
        )
        other.start()
        with pytest.raises(LogUnavailable, match="was replaced by another file: open it again"):
            next(events)
        other.join()


class Deaf:
    """Notices no event, as behind a proxy that does not forward notifications."""

    def wait(self, seconds):
        return False

    def ready(self):
        return False

    def renew(self):
        pass


def test_an_event_that_is_not_notified_of_is_seen_after_some_seconds(ws, monkeypatch):
    monkeypatch.setattr(event_subscription, "_LONGEST", 0.01)
    monkeypatch.setattr(ws._database, "new_events", lambda: nullcontext(Deaf()))
    with ws.subscribe(after=4) as events:
        assert [*ws.subscribe(after=4, timeout=0.05)] == []
        timer = threading.Timer(0.05, store, [ws, "new"])
        timer.start()
        assert next(events).position == 5
        timer.join()


@pytest.mark.parametrize(
    "argument",
    [
        {"after": -1},
        {"after": True},
        {"after": 1.5},
        {"after": 10**30},
        {"after": "five"},
        {"after": "5:abc"},
        {"after": None},
        {"after": 99},
        {"timeout": -1},
        {"timeout": math.nan},
        {"timeout": "long"},
        {"topics": "stack.registered"},
        {"topics": 7},
        {"topics": [""]},
        {"topics": [7]},
        {"topics": ["\udc80"]},
        {"topics": [f"t{number}" for number in range(5000)]},
    ],
    ids=str,
)
def test_absurd_arguments_are_rejected(ws, argument):
    with pytest.raises(StackfoldError):
        ws.subscribe(**argument)
    with pytest.raises(StackfoldError):
        asyncio.run(anext(ws.subscribe_async(**argument)))


# -- what it selects


def test_topics_select_events(ws):
    stack(ws, "prod")
    ws.stacks.delete("prod")
    wanted = ["stack.registered", "stack.deleted"]
    events = [*ws.subscribe(timeout=0, topics=wanted)]
    assert [event.topic for event in events][-2:] == wanted
    assert positions(ws.subscribe(events[-2].head, timeout=0, topics=wanted)) == [6]
    assert [*ws.subscribe(timeout=0, topics=["nobody.declares_this"])] == []


def test_batches_are_as_large_as_there_are_events_but_bounded(ws):
    for number in range(6):
        store(ws, f"s{number}")
    batches = [*ws.subscribe(timeout=0).batches(4)]
    assert [positions(batch) for batch in batches] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


@pytest.mark.parametrize("size", [0, -1, 10_001, True, 1.5, "many", None], ids=repr)
def test_a_batch_of_an_absurd_size_is_rejected(ws, size):
    with pytest.raises(Invalid, match="give 1 to 10,000"):
        ws.subscribe(timeout=0).batches(size)


# -- how it ends


def test_a_subscription_that_waits_is_stopped_by_another_thread(ws):
    with ws.subscribe(after=4) as events:
        timer = threading.Timer(0.1, events.stop)
        timer.start()
        assert [*events] == []
        timer.join()
        assert next(events, None) is None


def test_a_subscription_that_waits_is_closed_by_another_thread(ws):
    with ws.subscribe(after=4) as events:
        timer = threading.Timer(0.1, events.close)
        timer.start()
        assert [*events] == []
        timer.join()


def test_a_stopped_subscription_yields_nothing_that_it_had_read(ws):
    with closing(ws.subscribe()) as events:
        next(events)
        events.stop()
        assert [*events] == []


# -- in an event loop


def test_an_event_loop_iterates_over_events(ws):
    async def follow():
        async with ws.subscribe_async(topics=["component.registered"]) as events:
            found = [(await anext(events)).data["name"] for _ in range(2)]
            task = asyncio.create_task(anext(events))
            await asyncio.to_thread(store, ws, "new")
            return [*found, (await task).data["name"]]

    assert asyncio.run(follow()) == ["default", "default", "new"]


def test_idle_subscriptions_occupy_no_thread(ws):
    """All of them share the one thread of the loop, and all of them see the event."""

    async def follow():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        many = [ws.subscribe_async(after=4) for _ in range(10)]
        tasks = [asyncio.create_task(anext(events)) for events in many]
        await asyncio.sleep(0.05)
        await asyncio.to_thread(store, ws, "new")
        seen = [event.position for event in await asyncio.gather(*tasks)]
        for events in many:
            await events.aclose()
        return seen

    assert asyncio.run(follow()) == [5] * 10


def test_a_cancelled_iteration_loses_no_event(ws, monkeypatch):
    monkeypatch.setattr(event_subscription, "_PAGE", 1)  # so that every iteration reads
    for number in range(10):
        store(ws, f"s{number}")

    async def follow():
        seen = []
        async with ws.subscribe_async(timeout=0.1) as events:
            patience = 0.0
            while True:
                try:
                    seen.append((await asyncio.wait_for(anext(events), patience)).position)
                except StopAsyncIteration:
                    return seen
                except TimeoutError:
                    patience += 0.001  # so that it gets on

    assert asyncio.run(follow()) == [*range(1, 15)]


def test_an_asynchronous_subscription_ends_when_it_is_stopped(ws):
    async def follow():
        events = ws.subscribe_async(after=4)
        asyncio.get_running_loop().call_later(0.1, events.stop)
        return [event async for event in events]

    assert asyncio.run(follow()) == []


def test_an_event_loop_gets_batches(ws):
    async def follow():
        async with ws.subscribe_async(timeout=0) as events:
            return [positions(batch) async for batch in events.batches(3)]

    assert asyncio.run(follow()) == [[1, 2, 3], [4]]
