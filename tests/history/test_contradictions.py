"""Events that contradict each other, because of a damaged index, do not stop a log."""

import sqlite3
from contextlib import closing

import pytest
from history.homes import opened_by_force, tables
from workspaces import STORE, names, stack, store

from stackfold.cli.main import run
from stackfold.domain.errors import LogContradicts
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as opened:
        store(opened, "shared", path="/one")
        stack(opened, "prod", artifact_store="shared")
        yield opened


def hide(home, index, definition, table="", restore=True):
    """Recreate an index with another definition, directly in the file."""
    with closing(sqlite3.connect(home / LOG_FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        saved = connection.execute("SELECT rowid, name, sql FROM sqlite_schema").fetchall()
        connection.execute(
            "UPDATE sqlite_schema SET name = 'hiding', sql = ? WHERE name = ?",
            [f"CREATE INDEX hiding ON {definition}", index],
        )
        if table:
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'events'", [table])
    with closing(sqlite3.connect(home / LOG_FILE, isolation_level=None)) as connection:
        connection.execute("REINDEX hiding")
        connection.execute("PRAGMA writable_schema = ON")
        for rowid, name, sql in saved if restore else ():
            connection.execute(
                "UPDATE sqlite_schema SET name = ?, sql = ? WHERE rowid = ?", [name, sql, rowid]
            )
    with closing(sqlite3.connect(home / LOG_FILE, isolation_level=None)) as connection:
        # Open connections must read the definitions again.
        ((version,),) = connection.execute("PRAGMA schema_version")
        connection.execute(f"PRAGMA schema_version = {version + 1}")


def hide_the_name(home, name="prod"):
    hide(home, "stacks_named", f"stacks (name) WHERE until IS NULL AND name <> '{name}'")


def hide_the_revision(home, position):
    columns = (
        "position INTEGER PRIMARY KEY, change INTEGER NOT NULL, recorded_at TEXT NOT NULL, "
        "originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL, "
        "state BLOB NOT NULL, hash BLOB NOT NULL"
    )
    hide(
        home,
        "sqlite_autoindex_events_1",
        f"events (originator_id, originator_version) WHERE position <> {position}",
        f"CREATE TABLE events ({columns})",
    )


# -- indexes that were tampered with


def test_a_name_hidden_by_an_index_is_reported_and_restored(ws):
    hide_the_name(ws.home)
    found = ws.log.verify()
    assert "stacks_named" in found.problem
    assert "stackfold log rebuild" in found.remedy
    ws.log.rebuild()
    assert ws.log.verify().intact


def test_an_index_that_permanently_omits_a_name_is_reported(ws):
    hide(
        ws.home,
        "stacks_named",
        "stacks (name) WHERE until IS NULL AND name <> 'prod'",
        restore=False,
    )
    assert ws.log.verify().problem == "the index 'stacks_named' is missing"
    ws.log.rebuild()
    assert ws.log.verify().intact


def test_an_event_hidden_by_an_index_is_reported_with_its_position(ws):
    hide_the_revision(ws.home, 6)
    found = ws.log.verify()
    assert (found.position, found.problem) == (
        6,
        "differs between the index 'sqlite_autoindex_events_1' and the log",
    )
    ws.log.rebuild()
    assert ws.log.verify().intact


@pytest.mark.parametrize("trigger", ["events_stay", "events_stay_as_they_are"])
def test_a_missing_trigger_is_reported_and_recreated(ws, trigger):
    with closing(sqlite3.connect(ws.home / LOG_FILE)) as connection:
        connection.execute(f"DROP TRIGGER {trigger}")
    problem = f"the trigger '{trigger}' is missing, which keeps the log append-only"
    assert ws.log.verify().problem == problem
    ws.log.rebuild()
    assert ws.log.verify().intact


def test_a_trigger_that_does_nothing_is_reported(ws):
    with opened_by_force(ws.home) as connection:
        for name, event in (("events_stay", "DELETE"), ("events_stay_as_they_are", "UPDATE")):
            connection.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON events BEGIN SELECT 1; END"
            )
    assert "'events_stay' differs from its definition" in ws.log.verify().problem
    ws.log.rebuild()
    assert ws.log.verify().intact


# -- two existing aggregates with one name


@pytest.fixture
def with_a_namesake(ws):
    """A second stack 'prod', at #7; the first one is at #6."""
    hide_the_name(ws.home)
    stack(ws, "prod", description="the second")
    of_that_name = "SELECT count(*) FROM stacks NOT INDEXED WHERE name = 'prod'"
    assert ws._database.read(of_that_name) == [(2,)]
    return ws


REPORTED = r"#7 makes a second stack 'prod', beside #6: it is shown as 'prod-\w{8}' until it is"


def test_verify_reports_a_duplicate_name_first_as_a_damaged_index(with_a_namesake):
    ws = with_a_namesake
    assert not ws.log.verify().intact
    with pytest.warns(LogContradicts, match=REPORTED):
        ws.log.rebuild()
    found = ws.log.verify()
    assert (found.position, found.log_intact) == (7, True)
    assert found.problem.startswith("makes a second stack 'prod', beside #6")


def test_a_rebuild_shows_both_and_a_rename_resolves_the_conflict(with_a_namesake):
    ws = with_a_namesake
    with pytest.warns(LogContradicts, match=REPORTED):
        ws.log.rebuild()
    _, first, second = ws.stacks.list()
    assert (first.name, first.description) == ("prod", "")
    assert second.name == f"prod-{second.id[:8]}"
    assert second.description == "the second"
    ws.stacks.update(second.name, description="still the second")
    assert ws.stacks.get(second.name).description == "still the second"
    ws.stacks.rename(second.name, "prod-two")
    assert names(ws.stacks.list()) == ["default", "prod", "prod-two"]
    assert ws.log.rebuild() == 9
    assert ws.log.verify().intact


def test_a_deletion_resolves_the_conflict(with_a_namesake):
    ws = with_a_namesake
    with pytest.warns(LogContradicts, match=REPORTED):
        ws.log.rebuild()
    ws.stacks.delete(ws.stacks.list()[2].name)
    assert ws.log.verify().intact


def test_copies_of_a_log_with_duplicate_names_warn(with_a_namesake, tmp_path):
    ws = with_a_namesake
    with pytest.warns(LogContradicts, match=REPORTED):
        ws.log.fork(None, tmp_path / "forked")
    head = ws.log.export(tmp_path / "log.jsonl")
    with pytest.warns(LogContradicts, match=REPORTED):
        assert Workspace.import_log(tmp_path / "log.jsonl", tmp_path / "imported") == head
    for copy in ("forked", "imported"):
        with Workspace.open(tmp_path / copy) as copied:
            assert copied.log.head() == head
            copied.stacks.rename(copied.stacks.list()[2].name, "other")
            assert copied.log.verify(str(head)).intact
    ws.log.fork(6, tmp_path / "before")
    with Workspace.open(tmp_path / "before") as before:
        assert before.log.verify().intact


def test_an_upgrade_of_a_log_with_duplicate_names_warns(with_a_namesake, monkeypatch):
    with_a_namesake.close()
    for module in ("eventstore.rebuild", "database.sqlite"):
        monkeypatch.setattr(f"stackfold.infrastructure.{module}.SCHEMA", SCHEMA + 1)
    with pytest.warns(LogContradicts, match=REPORTED):
        upgraded = Workspace.open(with_a_namesake.home)
    with upgraded as ws:
        assert len(ws.stacks.list()) == 3
        assert ws.log.verify().position == 7


# -- two events of one revision


@pytest.fixture
def with_a_second_revision(ws):
    """The store 'shared' has two revisions 2, at #7 and #8."""
    ws.components.update(STORE, "shared", {"path": "/two"})
    hide_the_revision(ws.home, 7)
    ws.components.update(STORE, "shared", labels={"team": "x"})
    return ws


TWICE = r"#8 is a second revision 2 of component [\w-]+, beside #7; both count: .*--at '#7'"


def test_both_events_of_one_revision_are_applied(with_a_second_revision, tmp_path):
    ws = with_a_second_revision
    assert ws.log.verify().position == 7
    with pytest.warns(LogContradicts, match=TWICE):
        ws.log.rebuild()
    with pytest.warns(LogContradicts, match=TWICE):
        ws.log.fork(None, tmp_path / "forked")
    head = ws.log.export(tmp_path / "log.jsonl")
    with pytest.warns(LogContradicts, match=TWICE):
        assert Workspace.import_log(tmp_path / "log.jsonl", tmp_path / "imported") == head
    for copy in ("forked", "imported"):
        with Workspace.open(tmp_path / copy) as copied:
            found = copied.log.verify()
            assert (found.position, found.log_intact) == (8, True)
            shared = copied.components.get(STORE, "shared")
            assert (shared.configuration["path"], shared.labels) == ("/two", {"team": "x"})
            changed = copied.components.update(STORE, "shared", {"path": "/three"})
            assert changed.revision == 3
            assert changed.labels == {"team": "x"}
            before = tables(copied)
            with pytest.warns(LogContradicts, match=TWICE):
                assert copied.log.rebuild() == 9
            assert tables(copied) == before
    ws.log.fork(7, tmp_path / "before")
    with Workspace.open(tmp_path / "before") as before:
        assert before.log.verify().intact


# -- on the command line


def test_the_command_line_shows_the_problem_and_its_solution(with_a_namesake, monkeypatch, capsys):
    monkeypatch.setenv("STACKFOLD_HOME", str(with_a_namesake.home))

    def told(*command):
        code = run(command)
        return code, *capsys.readouterr()

    code, _, error = told("log", "verify")
    assert code == 1
    assert error.startswith("error: the database is damaged (stacks_named): ")
    assert error.endswith("`stackfold log rebuild` recreates indexes and read models\n")
    code, done, note = told("log", "rebuild")
    assert (code, done) == (0, "read models rebuilt from 7 events\n")
    assert note.startswith("note: #7 makes a second stack 'prod', beside #6: it is shown as 'prod-")
    code, _, error = told("log", "verify")
    assert code == 1
    assert error.startswith("error: #7 makes a second stack 'prod'")
    _, names, _ = told("stack", "list", "--columns", "name", "--output", "tsv")
    (shown,) = [name for name in names.split() if name.startswith("prod-")]
    assert told("stack", "rename", shown, "other")[0] == 0
    assert told("log", "verify")[0] == 0
