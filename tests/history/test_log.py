"""The log as a whole: entries, events, subscriptions and the head."""

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest
from freezegun import freeze_time
from history.homes import (
    as_somebody,
    rejected,
    summaries,
)
from workspaces import STORE, stack, store

from stackfold.domain.errors import (
    AsOfOutOfRange,
    InvalidAsOf,
)
from stackfold.infrastructure.eventstore import rebuild as rebuilding
from stackfold.infrastructure.workspace import Workspace

# -- entries


@pytest.fixture
def days(ws):
    """On each of four days somebody did something."""
    for day, (by, command) in enumerate(
        [
            ("ada", lambda: stack(ws, "prod")),
            ("bob", lambda: store(ws, "shared", path="/one")),
            ("ada", lambda: ws.stacks.update("prod", artifact_store="shared")),
            ("bob", lambda: ws.stacks.activate("prod")),
        ],
        start=2,
    ):
        as_somebody(ws, by)
        with freeze_time(f"2126-01-0{day} 12:00"):
            command()
    return ws


def positions(ws, **wanted):
    return [entry.position for entry in ws.log.entries(**wanted)]


def test_all_entries_newest_first(days):
    assert summaries([*days.log.entries(limit=4)]) == [
        "activation global activated",
        "stack prod updated",
        "artifact_store shared registered",
        "stack prod registered",
    ]
    assert positions(days) == [*range(8, 0, -1)]
    assert positions(days, newest_first=False) == [*range(1, 9)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"since": 6}, [8, 7, 6]),
        ({"since": "#8"}, [8]),
        ({"until": 6}, [6, 5, 4, 3, 2, 1]),
        ({"since": 6, "until": 7}, [7, 6]),
        ({"since": 7, "until": 6}, []),
        ({"since": "2126-01-03T12:00:00Z"}, [8, 7, 6]),
        ({"since": "2126-01-03T12:00:00.000001Z"}, [8, 7]),
        ({"until": "2126-01-03T12:00:00Z", "since": 5}, [6, 5]),
        ({"until": "2126-01-03T11:59:59Z", "since": 5}, [5]),
        ({"since": datetime(2126, 1, 5, tzinfo=UTC)}, [8]),
        ({"since": "2200-01-01"}, []),
        ({"until": "1999-01-01"}, []),
        ({"by": "ada"}, [7, 5]),
        ({"by": "bob", "limit": 1}, [8]),
        ({"by": "nobody"}, []),
        ({"kind": "stack", "since": 5}, [7, 5]),
        ({"kind": "artifact_store", "by": "bob"}, [6]),
        ({"kind": "activation", "since": 5}, [8]),
        ({"kind": "alerter"}, []),
        ({"name": "prod"}, [7, 5]),
        ({"name": "shared"}, [6]),
        ({"name": "global"}, [8, 4]),
        ({"limit": 0}, []),
        ({"limit": 2}, [8, 7]),
        ({"limit": 2, "newest_first": False}, [1, 2]),
        ({"limit": 1, "name": "prod", "newest_first": False}, [5]),
    ],
)
def test_filters_select_entries(days, wanted, found):
    assert positions(days, **wanted) == found


@pytest.mark.parametrize("end", ["since", "until"])
def test_a_filter_outside_of_the_log_is_rejected(days, end):
    with rejected(days, InvalidAsOf, "'tomorrow' is not a point in the past"):
        days.log.entries(**{end: "tomorrow"})
    with rejected(days, AsOfOutOfRange, "the log has no state as of #99"):
        days.log.entries(**{end: 99})


@pytest.mark.slow
def test_a_long_log_is_read_page_by_page(ws):
    for number in range(450):
        ws.stacks.copy("default", f"s{number}")
    assert positions(ws) == [*range(454, 0, -1)]
    assert positions(ws, newest_first=False) == [*range(1, 455)]
    assert positions(ws, name="s3") == [8]


def test_events_have_every_recorded_field(days):
    event = [*days.log.events()][6]
    assert (event.position, event.change, event.revision) == (7, 7, 2)
    assert (event.topic, event.id) == ("stack.updated", days.stacks.get("prod").id)
    assert event.recorded_at == "2126-01-04T12:00:00.000000Z"
    assert event.data["by"] == "ada"
    assert event.data["components"] == {"artifact_store": [days.components.get(STORE, "shared").id]}
    assert [each.position for each in days.log.events(after=5, upto=7)] == [6, 7]


# -- subscribe


def test_a_subscription_starts_after_a_position_and_ends_at_the_timeout(days):
    assert [event.position for event in days.log.subscribe(after=5, timeout=0)] == [6, 7, 8]
    assert [*days.log.subscribe(after=8, timeout=0)] == []


def test_a_subscription_yields_new_events(home):
    """From another connection, while three threads and another workspace write."""
    seen = []
    with Workspace.open(home) as ws, Workspace.open(home) as other:
        last = ws.log.head().position

        def follow():
            with Workspace.open(home) as reader:
                for event in reader.log.subscribe(after=last, timeout=20):
                    seen.append(event.position)
                    if len(seen) == 40:
                        return

        follower = threading.Thread(target=follow)
        follower.start()
        writers = [
            threading.Thread(
                target=lambda ws=each, name=name: [
                    store(ws, f"{name}-{number}", path="x") for number in range(10)
                ]
            )
            for name, each in (("a", ws), ("b", ws), ("c", other), ("d", other))
        ]
        for writer in writers:
            writer.start()
        for thread in (*writers, follower):
            thread.join()
    assert seen == [*range(last + 1, last + 41)]


class Killed(Exception):
    """The program ends here."""


def follow(ws, mine, killed_after):
    """A third party's program, as it is documented; it is killed somewhere."""
    ((done,),) = mine.execute("SELECT coalesce(max(position), 0) FROM progress").fetchall()
    for number, event in enumerate(ws.log.subscribe(after=done, timeout=0), start=1):
        with mine:
            mine.execute(
                "INSERT INTO counted VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1",
                [event.topic],
            )
            if number == killed_after:
                raise Killed
            mine.execute("INSERT INTO progress VALUES (?)", [event.position])


@pytest.mark.parametrize("killed_after", [1, 2, 3, 7])
def test_every_event_is_applied_exactly_once_however_often_the_program_is_killed(
    filled, killed_after
):
    expected = {}
    for event in filled.log.events():
        expected[event.topic] = expected.get(event.topic, 0) + 1
    with closing(sqlite3.connect(":memory:")) as mine:
        mine.execute("CREATE TABLE counted (topic TEXT PRIMARY KEY, n INTEGER)")
        mine.execute("CREATE TABLE progress (position INTEGER PRIMARY KEY)")
        for lifetime in range(100):
            # Each time a little later, so that it gets on.
            try:
                follow(filled, mine, killed_after + lifetime)
            except Killed:
                continue
            break
        assert dict(mine.execute("SELECT topic, n FROM counted")) == expected
        follow(filled, mine, killed_after=1000)
        assert dict(mine.execute("SELECT topic, n FROM counted")) == expected


def test_a_dry_run_is_never_seen_by_a_subscriber(filled):
    last = filled.log.head().position
    filled.stacks.revert("live", dry_run=True)
    assert [*filled.log.subscribe(after=last, timeout=0)] == []


# -- heads


def test_the_head_is_the_last_position_and_its_hash(ws):
    first = ws.log.head()
    assert first.position == 4
    assert str(first) == f"4:{first.hash.hex()}"
    stack(ws, "prod")
    second = ws.log.head()
    assert (second.position, second.hash != first.hash) == (5, True)
    assert ws.log.verify(str(first)).intact
    assert ws.log.verify(f"#{second}").intact


def test_two_logs_with_the_same_commands_have_different_heads():
    with Workspace.in_memory() as one, Workspace.in_memory() as other:
        assert one.log.head().hash != other.log.head().hash


def test_verifying_and_rebuilding_report_progress(ws, monkeypatch):
    monkeypatch.setattr(rebuilding, "BATCH", 2)
    stack(ws, "prod")
    summaries = []
    ws.log.rebuild(progress=summaries.append)
    assert summaries == [2, 4]
