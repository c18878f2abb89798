"""Rebuilding the read models, on request and for a new schema version."""

import os
import subprocess
import sys

import pytest
from history.homes import (
    contents,
    opened_by_force,
    rejected,
    tables,
    tamper,
)
from workspaces import STORE, stack

from stackfold.domain.errors import (
    StackfoldError,
    UnreadableEvent,
)
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.eventstore import rebuild as rebuilding
from stackfold.infrastructure.system.aggregate_packages import STACKFOLD_AGGREGATES
from stackfold.infrastructure.workspace import Workspace

# -- rebuild


def test_a_rebuild_creates_the_same_read_models(filled):
    before = tables(filled)
    assert filled.log.rebuild() == filled.log.head().position
    assert tables(filled) == before


def test_a_rebuild_repairs_damaged_read_models(filled, home):
    before = tables(filled)
    with opened_by_force(home) as connection:
        connection.execute("DELETE FROM stacks")
        connection.execute("DROP TABLE components")
        connection.execute("UPDATE activations SET stack = 'x'")
    filled.log.rebuild()
    assert tables(filled) == before
    with rejected(filled, StackfoldError, "a stack named 'live' exists already"):
        stack(filled, "live")


def test_readers_continue_during_a_rebuild_and_see_all_or_nothing(home):
    with Workspace.open(home) as ws, Workspace.open(home) as reader:
        before = (reader.stacks.list(), reader.components.list(STORE))
        seen = []

        def look(done):
            seen.append((reader.stacks.list(), reader.components.list(STORE)))
            assert reader.log.head() == head

        head = ws.log.head()
        monkeypatch = pytest.MonkeyPatch()
        with monkeypatch.context() as patched:
            patched.setattr(rebuilding, "BATCH", 5)
            ws.log.rebuild(progress=look)
        assert len(seen) == head.position // 5
        assert {str(each) for each in seen} == {str(before)}
        assert (reader.stacks.list(), reader.components.list(STORE)) == before


def test_a_rebuild_that_fails_changes_nothing(filled, monkeypatch):
    before = tables(filled)

    def fail(done):
        raise KeyboardInterrupt

    monkeypatch.setattr(rebuilding, "BATCH", 5)
    with pytest.raises(KeyboardInterrupt):
        filled.log.rebuild(progress=fail)
    assert tables(filled) == before
    assert filled.log.verify().intact


# -- an upgrade of the read models

NEXT = SCHEMA + 1
READ_MODELS = {11: "23c219d9e15739b8989c2fefd830b66dea1f1cfe765323148822980911d43fb5"}
"""Schema version → the fingerprint of its tables; a released one does not change."""


def test_tables_change_only_with_the_schema_version():
    tables = ReadModelTables(STACKFOLD_AGGREGATES)
    assert tables.fingerprint() == READ_MODELS[SCHEMA], "increment SCHEMA: existing logs lack them"


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
    for module in ("eventstore.rebuild", "database.sqlite"):
        monkeypatch.setattr(f"stackfold.infrastructure.{module}.SCHEMA", NEXT)


def test_read_models_of_an_older_version_are_rebuilt_on_opening(filled, outdated, next_version):
    with Workspace.open(outdated) as ws:
        assert ws.stacks.get("live").description == "For real"
        assert ws.log.verify().intact
        assert ws._database.read("PRAGMA user_version") == [(NEXT,)]
        with rejected(ws, StackfoldError, "a stack named 'live' exists already"):
            stack(ws, "live")


def test_a_failed_upgrade_changes_nothing(home, next_version):
    tamper(home, "UPDATE events SET topic = 'no.such' WHERE position = 8")
    before = contents(home)
    with pytest.raises(UnreadableEvent, match=r"'no\.such' at #8 that cannot be loaded: a newer"):
        Workspace.open(home)
    assert contents(home) == before


UPGRADE = """
import sys, time
from stackfold.infrastructure.eventstore import rebuild
from stackfold.infrastructure.database import sqlite as sqlite_database
from stackfold.infrastructure.workspace import Workspace
rebuild.SCHEMA = sqlite_database.SCHEMA = int(sys.argv[2])
rebuilds, once = [], rebuild._rebuild
def slowly(*given):
    rebuilds.append(1)
    time.sleep(0.3)
    return once(*given)
rebuild._rebuild = slowly
with Workspace.open(sys.argv[1]) as ws:
    print(len(rebuilds), ws.stacks.get("live").description, ws.log.verify().intact)
"""


def test_one_of_several_concurrent_processes_upgrades_and_all_work(outdated):
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
