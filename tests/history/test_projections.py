"""Projections of a program: inline, or followed into a database of its own, exactly once."""

import sqlite3
import threading
from contextlib import closing

import psycopg
import pytest
from workspaces import opened, stack

from stackfold.domain.stacks.stack import Stack
from stackfold.errors import Invalid, LogDiverged, ProjectionFailed, StackfoldError, Unavailable
from stackfold.eventsourcing import Projection
from stackfold.infrastructure.projections.stores import store_for
from stackfold.infrastructure.workspace import Workspace


class Stacks(Projection):
    """The name of each stack, and the position of its last change."""

    topics = (Stack.Registered, Stack.Renamed, "stack.deleted")

    def create(self, change):
        change.execute("CREATE TABLE names (id TEXT PRIMARY KEY, name TEXT, changed INTEGER)")

    def drop(self, change):
        change.execute("DROP TABLE names")

    def apply(self, event, change):
        id = str(event.originator_id)
        match event:
            case Stack.Registered():
                row = (id, event.name, change.position)
                change.execute("INSERT INTO names VALUES (?, ?, ?)", row)
            case Stack.Renamed():
                row = (event.name, change.position, id)
                change.execute("UPDATE names SET name = ?, changed = ? WHERE id = ?", row)
            case Stack.Deleted():
                change.execute("DELETE FROM names WHERE id = ?", (id,))


class Fragile(Stacks):
    """Fails on a stack of the name "bad"."""

    name = "fragile"

    def apply(self, event, change):
        super().apply(event, change)
        if getattr(event, "name", "") == "bad":
            raise ValueError("it is bad")


NAMES = "SELECT name FROM names ORDER BY name"


def rows(ws):
    """The names that a projection stored in the database of the log."""
    with ws.change() as change:
        return change.execute(NAMES)


def names_in(place):
    """The names that a projection stored in a file or a database of PostgreSQL."""
    connect = psycopg.connect if str(place).startswith("postgresql:") else sqlite3.connect
    with closing(connect(str(place))) as connection:
        return [name for (name,) in connection.execute(NAMES)]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def mine(request, tmp_path):
    """A database of one's own, as a path or an address."""
    if request.param == "SQLite":
        yield str(tmp_path / "mine.db")
        return
    server = request.getfixturevalue("postgres")
    with server.lent() as address:
        try:
            yield address
        finally:
            database = address.rpartition("/")[2]
            server.execute("DROP TABLE IF EXISTS names, stackfold_checkpoints", database)


# -- followed


def test_a_followed_projection_applies_typed_events_from_its_checkpoint_on(mine):
    with Workspace.in_memory() as ws:
        stack(ws, "a"), stack(ws, "b")
        ws.stacks.rename("a", "c")
        assert ws.run_projection(Stacks(), mine, timeout=0) == str(ws.log.head())
        assert names_in(mine) == ["b", "c", "default"]
        ws.stacks.delete("b")
        head = ws.run_projection(Stacks(), mine, timeout=0, batch=1)
        assert (names_in(mine), head) == (["c", "default"], str(ws.log.head()))


def test_a_connection_of_ones_own_is_used_and_left_open(ws, mine):
    connect = psycopg.connect if mine.startswith("postgresql:") else sqlite3.connect
    with closing(connect(mine)) as connection:
        ws.run_projection(Stacks(), connection, timeout=0)
        assert [*connection.execute(NAMES)] == [("default",)]
        if connect is psycopg.connect:
            with pytest.raises(Invalid, match="in a transaction: commit it first"):
                ws.run_projection(Stacks(), connection, timeout=0)
            connection.rollback()
        stack(ws, "a")
        ws.run_projection(Stacks(), connection, timeout=0)
        assert len([*connection.execute(NAMES)]) == 2


def test_a_projection_may_be_in_the_database_of_the_log(ws):
    stack(ws, "a")
    ws.run_projection(Stacks(), timeout=0)
    assert rows(ws) == [("a",), ("default",)]
    assert ws.log.verify().intact
    ws.log.rebuild()
    assert rows(ws) == [("a",), ("default",)]


def test_a_new_event_is_applied_until_the_projection_is_stopped(tmp_path, mine):
    stop = threading.Event()
    with Workspace.open(tmp_path / "home") as ws:

        def follow():
            with Workspace.open(tmp_path / "home") as reader:
                reader.run_projection(Stacks(), mine, stop=stop)

        follower = threading.Thread(target=follow)
        follower.start()
        stack(ws, "new")
        with opened(tmp_path / "home") as reader:
            while str(ws.log.head()) != reader.run_projection(Stacks(), mine, timeout=0):
                pass
        stop.set()
        follower.join()
    assert names_in(mine) == ["default", "new"]


def test_two_followers_of_one_projection_double_nothing(ws, mine):
    for number in range(40):
        stack(ws, f"s{number}")
    followers = [
        threading.Thread(
            target=ws.run_projection, args=(Stacks(), mine), kwargs={"timeout": 0, "batch": 1}
        )
        for _ in range(3)
    ]
    for each in followers:
        each.start()
    for each in followers:
        each.join()
    assert len(names_in(mine)) == 41


def test_a_projection_that_fails_stops_before_the_event_that_it_cannot_apply(ws, mine):
    for name in ("a", "bad", "z"):
        stack(ws, name)
    for _ in range(2):
        with pytest.raises(ProjectionFailed) as raised:
            ws.run_projection(Fragile(), mine, timeout=0)
        error = raised.value
        assert (error.projection, error.position, error.problem) == (
            "fragile", 6, "ValueError: it is bad",
        )  # fmt: skip
        assert isinstance(error.__cause__, ValueError)
        assert names_in(mine) == ["a", "default"]


def test_a_rebuilt_projection_begins_before_the_first_event(ws, mine):
    stack(ws, "a")
    ws.run_projection(Stacks(), mine, timeout=0)
    before = names_in(mine)
    ws.run_projection(Stacks(), mine, timeout=0, rebuild=True)
    assert names_in(mine) == before


def test_a_projection_of_a_replaced_log_stops_until_it_is_rebuilt(mine):
    with Workspace.in_memory() as ws:
        stack(ws, "a")
        ws.run_projection(Stacks(), mine, timeout=0)
    with Workspace.in_memory() as ws:
        for name in ("b", "c"):
            stack(ws, name)
        with pytest.raises(LogDiverged, match="the log has another event at 5"):
            ws.run_projection(Stacks(), mine, timeout=0)
        ws.run_projection(Stacks(), mine, timeout=0, rebuild=True)
    assert names_in(mine) == ["b", "c", "default"]


class Endless(Projection):
    """Cannot be rebuilt."""

    def apply(self, event, change):
        """Do nothing."""


class Nameless(Endless):
    name = ""


class Absurd(Endless):
    topics = "stack.registered"


@pytest.mark.parametrize(
    ("projection", "options"),
    [
        (Endless(), {"rebuild": True}),
        (Endless(), {"into": 7}),
        (Endless(), {"into": "/no/such/folder/mine.db"}),
        (Endless(), {"into": "postgresql://127.0.0.1:1/nothing"}),
        (Endless(), {"batch": 0}),
        (Endless(), {"timeout": -1}),
        (Endless, {}),
        (Nameless(), {}),
        (Absurd(), {}),
        ("projection", {}),
    ],
    ids=[
        "a rebuild without a method for it",
        "a number",
        "no such folder",
        "no such server",
        "no batch",
        "a negative time",
        "a class",
        "no name",
        "topics as text",
        "a text",
    ],
)
def test_what_cannot_be_run_is_rejected(ws, projection, options):
    with pytest.raises(StackfoldError):
        ws.run_projection(projection, **{"timeout": 0, **options})


def test_a_locked_database_of_ones_own_is_reported(ws, tmp_path):
    path = tmp_path / "mine.db"
    with (
        closing(sqlite3.connect(path, timeout=0)) as connection,
        closing(sqlite3.connect(path)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="database is locked"):
            ws.run_projection(Stacks(), connection, timeout=0)


# -- inline


@pytest.fixture(params=["a file", "PostgreSQL"])
def place(request, tmp_path):
    if request.param == "a file":
        yield {"home": tmp_path / "home"}
        return
    server = request.getfixturevalue("postgres")
    with server.lent() as url:
        yield {"home": tmp_path / "home", "store": url}
        database = url.rpartition("/")[2]
        server.execute("DROP TABLE IF EXISTS names, stackfold_checkpoints", database)


def test_an_inline_projection_is_as_current_as_the_log(place):
    with Workspace.open(**place, projections=[Stacks()]) as ws:
        assert rows(ws) == [("default",)]
        stack(ws, "a")
        assert rows(ws) == [("a",), ("default",)]
        ws.undo()
        assert rows(ws) == [("default",)]
        assert ws.log.verify().intact


def test_an_inline_projection_that_fails_fails_the_command(place):
    with Workspace.open(**place, projections=[Fragile()]) as ws:
        head = ws.log.head()
        with pytest.raises(ProjectionFailed, match="#5: ValueError: it is bad: correct it"):
            stack(ws, "bad")
        assert ws.log.head() == head
        stack(ws, "good")
        assert rows(ws) == [("default",), ("good",)]


def test_events_of_processes_without_the_projection_are_applied_later(place):
    with Workspace.open(**place, projections=[Stacks()]) as ws, Workspace.open(**place) as other:
        stack(other, "a")
        assert rows(ws) == [("default",)]
        stack(ws, "b")
        assert rows(ws) == [("a",), ("b",), ("default",)]
        stack(other, "c")
    with Workspace.open(**place, projections=[Stacks()]) as ws:
        assert rows(ws) == [("a",), ("b",), ("c",), ("default",)]
        ws.run_projection(Stacks(), rebuild=True, timeout=0)
        assert rows(ws) == [("a",), ("b",), ("c",), ("default",)]


def test_a_dry_run_leaves_no_row_of_an_inline_projection():
    with Workspace.in_memory(projections=[Stacks()]) as ws:
        stack(ws, "a")
        ws.stacks.rename("a", "b")
        ws.stacks.revert("b", dry_run=True)
        assert rows(ws) == [("b",), ("default",)]


def test_two_inline_projections_of_one_name_are_rejected():
    with pytest.raises(Invalid, match="two projections have the name 'Stacks'"):
        Workspace.in_memory(projections=[Stacks(), Stacks()])


class Forger(Stacks):
    """Tries to change the log."""

    def apply(self, event, change):
        change.execute("DELETE FROM events WHERE position > 1")


def test_an_inline_projection_cannot_use_the_tables_of_the_log(place):
    with pytest.raises(ProjectionFailed):
        Workspace.open(**place, projections=[Forger()])
    with Workspace.open(**place) as ws:
        assert ws.log.verify().intact
        assert ws.log.head().position == 4


def test_a_follower_waits_for_another_that_begins_the_file(tmp_path):
    path = tmp_path / "mine.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.3, other.execute, ["COMMIT"])
    ending.start()
    with Workspace.in_memory() as ws:
        store_for(path, ws._database).close()
    ending.join()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
