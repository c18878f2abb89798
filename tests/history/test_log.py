"""The log as a whole: read it, follow it, prove it, rebuild from it, copy it."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime

import orjson
import pytest
from event_examples import EXAMPLES
from freezegun import freeze_time
from history.homes import (
    append,
    as_somebody,
    fill,
    opened_by_force,
    refused,
    tables,
    tamper,
    told,
)
from workspaces import STORE, names, stack, store

from stackfold.domain.errors import (
    InvalidFile,
    InvalidMoment,
    LogExists,
    LogUnavailable,
    OutsideLog,
    StackfoldError,
    UnreadableEvent,
)
from stackfold.infrastructure import rebuild as rebuilding
from stackfold.infrastructure.chain import chained
from stackfold.infrastructure.home import LOG_FILE
from stackfold.infrastructure.version import SCHEMA
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def home(tmp_path):
    """A home with a little of everything in its log."""
    folder = tmp_path / "home"
    with Workspace.open(folder) as ws:
        fill(ws)
    return folder


@pytest.fixture
def filled(home):
    with Workspace.open(home) as ws:
        yield ws


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


def test_everything_that_was_done_newest_first(days):
    assert told([*days.log.entries(limit=4)]) == [
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
def test_a_part_of_it(days, wanted, found):
    assert positions(days, **wanted) == found


@pytest.mark.parametrize("end", ["since", "until"])
def test_a_part_that_begins_or_ends_nowhere_is_refused(days, end):
    with refused(days, InvalidMoment, "'yesterday' is no point in the past"):
        days.log.entries(**{end: "yesterday"})
    with refused(days, OutsideLog, "the log holds nothing as of #99"):
        days.log.entries(**{end: 99})


def test_a_long_log_is_read_page_by_page(ws):
    for number in range(450):
        ws.stacks.copy("default", f"s{number}")
    assert positions(ws) == [*range(454, 0, -1)]
    assert positions(ws, newest_first=False) == [*range(1, 455)]
    assert positions(ws, name="s3") == [8]


def test_events_tell_everything_that_was_recorded(days):
    event = [*days.log.events()][6]
    assert (event.position, event.change, event.revision) == (7, 7, 2)
    assert (event.topic, event.id) == ("stack.updated", days.stacks.get("prod").id)
    assert event.recorded_at == "2126-01-04T12:00:00.000000Z"
    assert event.data["by"] == "ada"
    assert event.data["components"] == {"artifact_store": [days.components.get(STORE, "shared").id]}
    assert [each.position for each in days.log.events(after=5, upto=7)] == [6, 7]


# -- subscribe


def test_a_subscription_begins_where_it_is_told_and_ends_when_nothing_more_comes(days):
    assert [event.position for event in days.log.subscribe(after=5, timeout=0)] == [6, 7, 8]
    assert [*days.log.subscribe(after=8, timeout=0)] == []


def test_a_subscription_goes_on_with_new_events_as_they_come(home):
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
    filled.undo(dry_run=True)
    assert [*filled.log.subscribe(after=last, timeout=0)] == []


# -- heads


def test_the_head_is_the_last_position_and_its_hash(ws):
    first = ws.log.head()
    assert first.position == 4
    assert str(first) == f"4:{first.hash.hex()}"
    stack(ws, "prod")
    second = ws.log.head()
    assert (second.position, second.hash != first.hash) == (5, True)
    assert ws.log.verify(str(first)).holds
    assert ws.log.verify(f"#{second}").holds


def test_two_logs_with_the_same_commands_have_different_heads():
    with Workspace.in_memory() as one, Workspace.in_memory() as other:
        assert one.log.head().hash != other.log.head().hash


def test_verifying_and_rebuilding_tell_how_far_they_are(ws, monkeypatch):
    monkeypatch.setattr(rebuilding, "_BATCH", 2)
    stack(ws, "prod")
    told = []
    ws.log.rebuild(progress=told.append)
    assert told == [2, 4]


# -- rebuild


def test_a_rebuild_makes_the_same_read_models(filled):
    before = tables(filled)
    assert filled.log.rebuild() == filled.log.head().position
    assert tables(filled) == before


def test_a_rebuild_mends_what_was_damaged(filled, home):
    before = tables(filled)
    with opened_by_force(home) as connection:
        connection.execute("DELETE FROM stacks")
        connection.execute("DROP TABLE components")
        connection.execute("UPDATE activations SET stack = 'x'")
    filled.log.rebuild()
    assert tables(filled) == before
    with refused(filled, StackfoldError, "a stack named 'live' exists already"):
        stack(filled, "live")


def test_readers_go_on_during_a_rebuild_and_see_all_of_it_or_nothing(home):
    with Workspace.open(home) as ws, Workspace.open(home) as reader:
        before = (reader.stacks.list(), reader.components.list(STORE))
        seen = []

        def look(done):
            seen.append((reader.stacks.list(), reader.components.list(STORE)))
            assert reader.log.head() == head

        head = ws.log.head()
        monkeypatch = pytest.MonkeyPatch()
        with monkeypatch.context() as patched:
            patched.setattr(rebuilding, "_BATCH", 5)
            ws.log.rebuild(progress=look)
        assert len(seen) == head.position // 5
        assert {str(each) for each in seen} == {str(before)}
        assert (reader.stacks.list(), reader.components.list(STORE)) == before


def test_a_rebuild_that_fails_changes_nothing(filled, monkeypatch):
    before = tables(filled)

    def fail(done):
        raise KeyboardInterrupt

    monkeypatch.setattr(rebuilding, "_BATCH", 5)
    with pytest.raises(KeyboardInterrupt):
        filled.log.rebuild(progress=fail)
    assert tables(filled) == before
    assert filled.log.verify().holds


# -- an upgrade of the read models

NEXT = SCHEMA + 1


@pytest.fixture
def outdated(home):
    """A home whose read models are of another form than the next version's."""
    with opened_by_force(home) as connection:
        connection.execute("DROP INDEX stacks_named")
        connection.execute("ALTER TABLE stacks DROP COLUMN description")
        connection.execute("DROP TABLE flavors")
    return home


@pytest.fixture
def next_version(monkeypatch):
    """From now on this is the next version, whose read models have another form."""
    for module in ("rebuild", "sqlite_database"):
        monkeypatch.setattr(f"stackfold.infrastructure.{module}.SCHEMA", NEXT)


def test_read_models_of_an_older_version_are_made_anew_at_the_next_start(
    filled, outdated, next_version
):
    with Workspace.open(outdated) as ws:
        assert ws.stacks.get("live").description == "For real"
        assert ws.log.verify().holds
        assert ws._database.read("PRAGMA user_version") == [(NEXT,)]
        with refused(ws, StackfoldError, "a stack named 'live' exists already"):
            stack(ws, "live")


def test_an_upgrade_that_cannot_be_leaves_everything_as_it_was(home, next_version):
    tamper(home, "UPDATE events SET topic = 'no.such' WHERE position = 8")
    before = contents(home)
    with pytest.raises(UnreadableEvent, match=r"'no\.such' at #8 that cannot be loaded: a newer"):
        Workspace.open(home)
    assert contents(home) == before


UPGRADE = """
import sys, time
from stackfold.infrastructure import rebuild, sqlite_database
from stackfold.infrastructure.workspace import Workspace
rebuild.SCHEMA = sqlite_database.SCHEMA = int(sys.argv[2])
rebuilds, once = [], rebuild._rebuild
def slowly(*given):
    rebuilds.append(1)
    time.sleep(0.3)
    return once(*given)
rebuild._rebuild = slowly
with Workspace.open(sys.argv[1]) as ws:
    print(len(rebuilds), ws.stacks.get("live").description, ws.log.verify().holds)
"""


def test_of_several_processes_at_once_one_upgrades_and_all_can_work(outdated):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, str(outdated), str(NEXT)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(3)
    ]
    told = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    assert told == ["0 For real True", "0 For real True", "1 For real True"]


def contents(home):
    """Every row of the log and of the read models, without opening the workspace."""
    with closing(sqlite3.connect(home / LOG_FILE)) as connection:
        return [*connection.iterdump()], [*connection.execute("PRAGMA user_version")]


# -- fork


@pytest.mark.parametrize("at", [4, "#9", 12, None])
def test_a_fork_is_a_home_with_the_log_up_to_there(filled, tmp_path, at):
    head = filled.log.fork(at, tmp_path / "then")
    with Workspace.open(tmp_path / "then") as then:
        assert then.log.head() == head
        assert then.stacks.list() == filled.stacks.list(as_of=head.position)
        assert then.components.list(STORE) == filled.components.list(STORE, as_of=head.position)
        assert then.log.verify(str(head)).holds
        stack(then, "new")
        assert then.log.head().position == head.position + 1
    assert filled.log.verify().holds
    assert "new" not in names(filled.stacks.list())


def test_a_fork_goes_on_from_the_same_chain(filled, tmp_path):
    filled.log.fork(9, tmp_path / "then")
    (hash_of_9,) = filled._database.read("SELECT hash FROM events WHERE position = 9")
    with Workspace.open(tmp_path / "then") as then:
        assert then.log.head().hash == hash_of_9[0]


def test_a_home_that_has_a_log_is_not_forked_over(filled, home, tmp_path):
    before = contents(home)
    with refused(filled, LogExists, "there is a log at .* already: choose an empty home"):
        filled.log.fork(4, home)
    assert contents(home) == before


def test_a_fork_at_no_point_of_the_log_makes_nothing(filled, tmp_path):
    for at, error in (("#99", OutsideLog), (0, OutsideLog), ("never", InvalidMoment)):
        with refused(filled, error, "the log holds nothing|is no point in the past"):
            filled.log.fork(at, tmp_path / "then")
    (tmp_path / "file").write_text("in the way")
    with refused(filled, LogUnavailable, "cannot be created"):
        filled.log.fork(4, tmp_path / "file" / "then")
    assert not (tmp_path / "then").exists()


# -- export and import


@pytest.fixture
def exported(filled, tmp_path):
    file = tmp_path / "log.jsonl"
    filled.log.export(file)
    return file


def lines(file):
    return file.read_bytes().splitlines(keepends=True)


def test_an_export_has_a_header_an_event_a_line_and_the_head(filled, exported):
    header, *events, footer = [json.loads(line) for line in lines(exported)]
    assert header == {"stackfold_log": 1}
    assert footer == {"head": str(filled.log.head())}
    assert [event["position"] for event in events] == [*range(1, len(events) + 1)]
    assert [event["state"] for event in events] == [event.data for event in filled.log.events()]


def test_an_import_is_the_same_log_with_the_same_head(filled, exported, tmp_path):
    head = Workspace.import_log(exported, tmp_path / "new")
    assert head == filled.log.head()
    with Workspace.open(tmp_path / "new") as imported:
        assert tables(imported) == tables(filled)
        assert imported.log.verify(str(head)).holds
        stack(imported, "goes-on")
        imported.undo()
        assert imported.log.verify(str(head)).holds


def test_an_export_that_was_formatted_anew_is_the_same_log(filled, exported, tmp_path):
    formatted = tmp_path / "formatted.jsonl"
    formatted.write_text(
        "\r\n".join(
            json.dumps(dict(reversed(json.loads(line).items()))) for line in lines(exported)
        )
    )
    assert Workspace.import_log(formatted, tmp_path / "new") == filled.log.head()


HARD = ("component.registered", "component.updated")
"""Events whose examples have every kind of value."""


def test_values_that_are_hard_to_write_survive(ws, tmp_path):
    append(ws, *(event for event in EXAMPLES if event.TOPIC in HARD))
    head = ws.log.export(tmp_path / "log.jsonl")
    assert Workspace.import_log(tmp_path / "log.jsonl", tmp_path / "new") == head


def test_a_file_that_is_there_is_not_exported_over(filled, exported, tmp_path):
    before = exported.read_bytes()
    with refused(filled, InvalidFile, "is there already: choose another"):
        filled.log.export(exported)
    assert exported.read_bytes() == before
    with refused(filled, InvalidFile, "cannot be written: No such file or directory"):
        filled.log.export(tmp_path / "no" / "folder")
    with refused(filled, InvalidFile, "cannot be written: Not a directory"):
        filled.log.export(exported / "log.jsonl")


def test_an_export_that_fails_leaves_no_part_of_a_file(filled, home, tmp_path):
    tamper(home, "UPDATE events SET topic = CAST(x'ff' AS TEXT) WHERE position = 9")
    with pytest.raises(LogUnavailable):
        filled.log.export(tmp_path / "part.jsonl")
    assert not (tmp_path / "part.jsonl").exists()


def test_a_home_that_has_a_log_is_not_imported_over(exported, home, filled):
    with refused(filled, LogExists, "there is a log at .* already: choose an empty home"):
        Workspace.import_log(exported, home)


def rewritten(exported, number, change):
    """The export with one line changed, by its number from 1."""
    kept = lines(exported)
    kept[number - 1] = change(kept[number - 1])
    exported.write_bytes(b"".join(kept))


def changed(**fields):
    return lambda line: orjson.dumps({**orjson.loads(line), **fields}) + b"\n"


CHANGED = "was changed, its hash does not hold"


@pytest.mark.parametrize(
    ("number", "change", "says"),
    [
        (1, lambda line: b"", "line 1: is not an exported log|is not an exported log"),
        (1, lambda line: b"{}\n", "is not an exported log"),
        (1, lambda line: b"[]\n", "line 1: is no JSON object"),
        (1, lambda line: b"SQLite format 3\0", "line 1: is no JSON, or was cut off"),
        (1, changed(stackfold_log=2), "was exported by a newer Stackfold: upgrade"),
        (1, changed(stackfold_log="1"), "is not an exported log"),
        (5, lambda line: b"", f"line 5: {CHANGED}"),
        (5, lambda line: line * 2, f"line 6: {CHANGED}"),
        (5, lambda line: line[:-20], "line 5: is no JSON, or was cut off"),
        (5, lambda line: b"\n" + line, "line 5: is no JSON, or was cut off"),
        (5, lambda line: b"null\n", "line 5: is no JSON object"),
        (5, lambda line: b"{}\n", f"line 5: {CHANGED}"),
        (5, lambda line: line.replace(b'"by":"', b'"by":"not '), f"line 5: {CHANGED}"),
        (5, changed(recorded_at="2026-01-01T00:00:00.000000Z"), f"line 5: {CHANGED}"),
        (5, changed(change=9), f"line 5: {CHANGED}"),
        (5, changed(topic="stack.renamed"), f"line 5: {CHANGED}"),
        (5, changed(hash="00" * 32), f"line 5: {CHANGED}"),
        (5, changed(hash="no"), f"line 5: {CHANGED}"),
        (5, changed(hash=None), f"line 5: {CHANGED}"),
        (5, changed(position="4"), f"line 5: {CHANGED}"),
        (5, changed(more=1), f"line 5: {CHANGED}"),
        (5, lambda line: b'{"head": "4:00"}\n', "line 5: the head does not fit the events"),
    ],
)
def test_a_file_that_was_changed_is_refused_in_one_line(exported, tmp_path, number, change, says):
    rewritten(exported, number, change)
    must_be_refused(exported, tmp_path, says)


@pytest.mark.parametrize("kept", [0, 1, 2, 10, -2, -1])
def test_an_export_that_was_cut_off_is_refused(exported, tmp_path, kept):
    all_lines = lines(exported)
    count = kept % len(all_lines)
    exported.write_bytes(b"".join(all_lines[:count]))
    says = f"was cut off after #{count - 1}" if count else "line 1: is no JSON, or was cut off"
    must_be_refused(exported, tmp_path, says)


def test_an_export_that_was_cut_off_in_the_middle_of_a_line_is_refused(exported, tmp_path):
    exported.write_bytes(exported.read_bytes()[:-30])
    must_be_refused(exported, tmp_path, r"line \d+: is no JSON, or was cut off")


def rehashed(exported, change):
    """A forged export: `change` gets the events, and all hashes are made anew."""
    header, *events, _ = [orjson.loads(line) for line in lines(exported)]
    previous = b"\0" * 32
    for position, event in enumerate(change(events), start=1):
        columns = {**event, "position": position}
        state = orjson.dumps(columns.pop("state"), option=orjson.OPT_SORT_KEYS)
        del columns["hash"]
        previous = chained(previous, *columns.values(), state)
        event |= {"position": position, "hash": previous.hex()}
    footer = {"head": f"{len(events)}:{previous.hex()}"}
    exported.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in (header, *events, footer)))


def without_a_beginning(events):
    events.remove(next(event for event in events if event["state"].get("name") == "prod"))
    return events


def with_one_twice(events):
    events.append({**events[0]})
    return events


def with_a_namesake(events):
    twin = "00000000-0000-4000-8000-000000000000"
    events.append({**events[0], "originator_id": twin})
    return events


def of_the_future(events):
    events[7]["topic"] = "stack.cloned"
    return events


@pytest.mark.parametrize(
    ("forgery", "says"),
    [
        (without_a_beginning, r"'stack.updated' at #\d+ that cannot be loaded: it does not follow"),
        (with_one_twice, "contradicts itself"),
        (with_a_namesake, "contradicts itself"),
        (of_the_future, "'stack.cloned' at #8 that cannot be loaded: a newer version of Stackfold"),
    ],
)
def test_a_forged_export_that_makes_no_sense_is_refused(exported, tmp_path, forgery, says):
    rehashed(exported, forgery)
    must_be_refused(exported, tmp_path, says)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    must_be_refused(tmp_path / "none.jsonl", tmp_path, "cannot be read: No such file")


def test_a_folder_is_no_export(tmp_path):
    must_be_refused(tmp_path, tmp_path, "cannot be read: Is a directory")


def must_be_refused(file, tmp_path, says):
    """In one line, and no part of a log is left."""
    with pytest.raises(StackfoldError, match=says) as refusal:
        Workspace.import_log(file, tmp_path / "new")
    assert "\n" not in str(refusal.value)
    assert [*tmp_path.glob("new/*"), *tmp_path.glob("new/.*")] == []
    with Workspace.open(tmp_path / "new") as ws:
        assert names(ws.stacks.list()) == ["default"]
