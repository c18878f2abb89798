"""Several commands as one change: `Workspace.change`."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from replay import assert_consistent
from workspaces import STORE, stack, store

from stackfold.domain.errors import (
    Busy,
    ChangeElsewhere,
    ChangeTimedOut,
    InUse,
    Invalid,
    NameTaken,
    OutsideChanges,
    StackActive,
    StatementFailed,
    StatementRejected,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

REGISTRY = ComponentType.CONTAINER_REGISTRY


@pytest.fixture
def approvals(ws, request):
    """A table of a program in the same database."""
    with ws.change() as change:
        change.execute("CREATE TABLE approvals (id INTEGER PRIMARY KEY, stack TEXT NOT NULL)")
    yield lambda: rows(ws, "SELECT id, stack FROM approvals ORDER BY id")
    if ws.store:
        with ws.change() as change:
            change.execute("DROP TABLE approvals")


def rows(ws, statement):
    with ws.change() as change:
        return change.execute(statement)


def names(ws):
    return [view.name for view in ws.stacks.list()]


@contextmanager
def unchanged(ws):
    before = ws.log.head()
    yield
    assert ws.log.head() == before
    assert_consistent(ws)


# -- one change


def test_everything_in_the_block_is_one_change_with_one_reason(ws):
    head = ws.log.head().position
    with ws.acting_as("ada", correlation_id="r-1"), ws.change(why="Release 7") as change:
        assert change.number is None
        store(ws, "s3")
        stack(ws, "prod", artifact_store="s3", activate=True)
        ws.stacks.rename("prod", "production", why="It has a new name")
        assert ws.stacks.get().name == "production"
    assert change.number == head + 1
    entries = [*ws.log.entries(limit=4)]
    assert {(entry.change, entry.by, entry.correlation_id) for entry in entries} == {
        (head + 1, "ada", "r-1")
    }
    assert [entry.why for entry in entries] == ["It has a new name", *["Release 7"] * 3]
    assert_consistent(ws)


def test_the_next_change_has_its_own_number(ws):
    with ws.change() as first:
        stack(ws, "a")
        stack(ws, "b")
    stack(ws, "c")
    (entry,) = ws.log.entries(limit=1)
    assert entry.change == first.number + 2


def test_a_block_without_commands_records_nothing(ws):
    with unchanged(ws), ws.change() as change:
        pass
    assert change.number is None


def test_a_block_that_raises_records_nothing(ws, approvals):
    with unchanged(ws), pytest.raises(ZeroDivisionError), ws.change() as change:  # noqa: PT012
        stack(ws, "prod")
        change.execute("INSERT INTO approvals VALUES (1, 'prod')")
        raise ZeroDivisionError
    assert "prod" not in names(ws)
    assert approvals() == []


def test_a_command_that_fails_leaves_nothing_and_the_block_goes_on(ws):
    store(ws, "s3")
    stack(ws, "prod", artifact_store="s3", activate=True)
    with ws.change():
        stack(ws, "a")
        with pytest.raises(StackActive):
            ws.stacks.delete("prod")
        with pytest.raises(InUse):
            ws.components.delete(STORE, "s3")
        with pytest.raises(NameTaken):
            stack(ws, "a")
        stack(ws, "b")
    assert names(ws) == ["a", "b", "default", "prod"]
    assert_consistent(ws)


def test_a_dry_run_in_the_block_changes_nothing(ws):
    stack(ws, "prod")
    with ws.change():
        ws.stacks.rename("prod", "production")
        assert ws.stacks.revert("production", 1, dry_run=True)
        assert ws.stacks.get("production").revision == 2
    assert ws.stacks.get("production").revision == 2


def test_a_change_in_a_change_is_part_of_it(ws):
    with ws.change(why="outer") as outer:
        stack(ws, "a")
        with ws.change(why="inner") as inner:
            stack(ws, "b")
        with pytest.raises(ZeroDivisionError), ws.change():  # noqa: PT012
            stack(ws, "c")
            raise ZeroDivisionError
        assert inner is outer
    assert names(ws) == ["a", "b", "default"]
    assert {entry.change for entry in ws.log.entries(limit=2)} == {outer.number}


def test_nobody_else_writes_during_the_block(tmp_path):
    with Workspace.open(tmp_path) as ws, Workspace.open(tmp_path) as other:
        stack(ws, "prod")
        with ThreadPoolExecutor(1) as thread:
            with ws.change():
                renamed = thread.submit(other.stacks.rename, "prod", "theirs")
                time.sleep(0.1)
                ws.stacks.update("prod", description="ours")
                assert not renamed.done()
            assert renamed.result().description == "ours"


# -- undo


def test_undo_takes_back_all_of_its_events(ws):
    store(ws, "old")
    stack(ws, "prod", artifact_store="old")
    before = ws.stacks.get("prod")
    with ws.change() as change:
        store(ws, "new")
        ws.stacks.update("prod", artifact_store=["new"])
        ws.components.delete(STORE, "old")
        ws.components.rename(STORE, "new", "old")
        ws.stacks.activate("prod")
        stack(ws, "canary", artifact_store="old")
        ws.components.update(STORE, "old", labels={"team": "x"})
    undone = ws.undo()
    assert len(undone) == 7
    assert ws.stacks.get().name == "default"
    assert names(ws) == ["default", "prod"]
    assert ws.stacks.get("prod").components == before.components
    assert [view.name for view in ws.components.list(STORE)] == ["default", "old"]
    assert [*ws.log.events()][-1].data["undoes"] == change.number
    assert_consistent(ws)


# -- tables of a program


def test_own_tables_change_with_the_log(ws, approvals):
    with ws.change() as change:
        stack(ws, "prod")
        assert change.execute("INSERT INTO approvals VALUES (?, ?)", [1, "prod"]) == []
        assert change.execute("SELECT stack FROM approvals WHERE id = ?", [1]) == [("prod",)]
    assert approvals() == [(1, "prod")]
    assert "prod" in names(ws)


def test_a_statement_that_the_database_rejects_leaves_the_rest(ws, approvals):
    with ws.change() as change:
        change.execute("INSERT INTO approvals VALUES (1, 'prod')")
        for statement in (
            "INSERT INTO approvals VALUES (1, 'again')",
            "INSERT INTO missing VALUES (1)",
            "SELECT 1; SELECT 2",
            "SELECT ?",
        ):
            with pytest.raises(StatementFailed):
                change.execute(statement)
        stack(ws, "prod")
    assert approvals() == [(1, "prod")]
    assert "prod" in names(ws)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {0}events",
        "DROP TABLE {0}stacks",
        "SELECT * FROM {0}components",
        "WITH e AS (SELECT * FROM {0}events) SELECT * FROM e",
        "INSERT INTO approvals SELECT 1, name FROM {0}log_entries",
        "CREATE TRIGGER t AFTER INSERT ON {0}events BEGIN SELECT 1; END",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT mine",
        "PRAGMA user_version = 0",
        "SET search_path TO stackfold",
        "-- a comment\nCOMMIT",
        "",
    ],
)
def test_statements_on_tables_of_stackfold_are_rejected(ws, approvals, statement):
    schema = "Stackfold." if ws.store else ""
    with unchanged(ws), ws.change() as change:
        change.execute("INSERT INTO approvals VALUES (1, 'prod')")
        with pytest.raises(StatementRejected, match="execute one statement on tables of your own"):
            change.execute(statement.format(schema))
    assert approvals() == [(1, "prod")]


def test_a_query_reads_own_tables_without_a_change(ws, approvals):
    with ws.change() as change:
        change.execute("INSERT INTO approvals VALUES (1, 'prod'), (2, 'test')")
        assert ws.query("SELECT count(*) FROM approvals") == [(2,)]
        with pytest.raises(StatementFailed):
            ws.query("SELECT missing FROM approvals")
        stack(ws, "prod")
    assert ws.query("SELECT stack FROM approvals WHERE id = ?", [1]) == [("prod",)]
    assert "prod" in names(ws)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO approvals VALUES (1, 'prod')", StatementRejected),
        ("DROP TABLE approvals", StatementRejected),
        ("SELECT * FROM {0}events", StatementRejected),
        ("SELECT * FROM missing", StatementFailed),
        ("SELECT 1; DELETE FROM approvals", StatementFailed),
        ("COMMIT", StatementRejected),
    ],
)
def test_a_query_only_reads_own_tables(ws, approvals, statement, error):
    schema = "stackfold." if ws.store else ""
    with unchanged(ws), pytest.raises(error):
        ws.query(statement.format(schema))
    assert approvals() == []


def test_a_query_cannot_write_in_disguise(ws, approvals):
    written = "INSERT INTO approvals VALUES (1, 'prod')"
    statement = (
        f"WITH w AS ({written} RETURNING 1) SELECT * FROM w"
        if ws.store
        else f"WITH w AS (SELECT 1) {written}"
    )
    with unchanged(ws), pytest.raises((StatementRejected, StatementFailed)):
        ws.query(statement)
    assert approvals() == []


# -- limits


def test_a_change_that_takes_too_long_is_rolled_back(ws):
    with unchanged(ws), pytest.raises(ChangeTimedOut, match=r"more than 0\.1 s"):  # noqa: PT012, SIM117
        with ws.change(timeout=0.1):
            stack(ws, "a")
            time.sleep(0.15)
            stack(ws, "b")
    with unchanged(ws), pytest.raises(ChangeTimedOut):  # noqa: PT012, SIM117
        with ws.change(timeout=0.1):
            stack(ws, "a")
            time.sleep(0.15)
    stack(ws, "c")


@pytest.mark.parametrize("timeout", [0, -1, 3601, float("nan"), float("inf")])
def test_a_timeout_out_of_range_is_rejected(ws, timeout):
    with pytest.raises(Invalid, match="timeout"), ws.change(timeout=timeout):
        raise AssertionError


def test_what_acts_outside_of_the_log_is_rejected(ws, tmp_path):
    with unchanged(ws), ws.change():
        for command in (
            lambda: ws.runs.start(None),
            lambda: ws.runs.resume("r"),
            lambda: ws.runs.rerun("r"),
            lambda: ws.deployments.deploy("d", "m"),
            lambda: ws.deployments.delete("d"),
            lambda: ws.secrets.create("s", {"a": "b"}),
            lambda: ws.secrets.delete("s"),
            lambda: ws.images.build(None),
            ws.artifacts.prune,
            ws.log.rebuild,
            lambda: ws.log.export(tmp_path / "log"),
            lambda: ws.log.fork(1, tmp_path / "fork"),
            lambda: ws.init_project(tmp_path),
        ):
            with pytest.raises(OutsideChanges, match="acts outside of the log"):
                command()


def test_it_ends_with_its_block(ws):
    with ws.change() as change:
        pass
    with pytest.raises(ChangeElsewhere):
        change.execute("SELECT 1")


def test_another_thread_waits_and_cannot_use_the_change(ws):
    with ThreadPoolExecutor(1) as thread:
        with ws.change() as change:
            stack(ws, "a")
            with pytest.raises(ChangeElsewhere):
                thread.submit(change.execute, "SELECT 1").result()
            waiting = thread.submit(stack, ws, "c")
            stack(ws, "b")
            assert names(ws) == ["a", "b", "default"]
        waiting.result()
        assert names(ws) == ["a", "b", "c", "default"]


def test_another_thread_reads_the_state_before_the_block_in_postgresql(ws):
    if not ws.store:
        pytest.skip("threads share the connection to a file, and wait")
    with ThreadPoolExecutor(1) as thread, ws.change():
        stack(ws, "a")
        assert thread.submit(names, ws).result() == ["default"]


def test_a_thread_or_task_that_begins_in_the_block_is_rejected(ws):
    async def tasks():
        with ws.change():
            stack(ws, "a")
            with pytest.raises(Busy, match="belongs to another thread or task"):
                await asyncio.to_thread(ws.stacks.list)
            with pytest.raises(ChangeElsewhere):
                await asyncio.create_task(renames("a"))

    async def renames(name):
        ws.stacks.rename(name, "theirs")

    asyncio.run(tasks())
    assert names(ws) == ["a", "default"]


def test_another_task_of_the_thread_is_rejected_until_the_block_ends(ws):
    async def change(opened, done):
        with ws.change():
            stack(ws, "a")
            opened.set()
            await done.wait()

    async def other(opened, done):
        await opened.wait()
        with pytest.raises(ChangeElsewhere):
            stack(ws, "b")
        with pytest.raises(ChangeElsewhere), ws.change():
            raise AssertionError
        done.set()
        await asyncio.sleep(0)
        stack(ws, "c")

    async def both():
        events = asyncio.Event(), asyncio.Event()
        await asyncio.gather(other(*events), change(*events))

    asyncio.run(both())
    assert names(ws) == ["a", "c", "default"]


def test_a_thread_that_the_block_waits_for_is_rejected_after_the_time(ws):
    with unchanged(ws), ThreadPoolExecutor(1) as thread, pytest.raises(ChangeTimedOut):  # noqa: PT012, SIM117
        with ws.change(timeout=0.1):
            with pytest.raises(ChangeElsewhere):
                thread.submit(stack, ws, "b").result()
