"""Verifying and repairing a log in PostgreSQL with damaged indexes or triggers."""

from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from history.homes import tables
from workspaces import STORE, names, opened, stack, store

from stackfold.domain.errors import LogContradicts, ReadModelDamaged
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url


@pytest.fixture
def ws(url):
    with opened(url) as workspace:
        store(workspace, "shared", path="/one")
        stack(workspace, "prod", artifact_store="shared")
        assert workspace.log.verify().intact
        yield workspace


@pytest.fixture
def execute(url):
    """Executes a statement as who owns the server and means harm."""

    def execute(statement):
        with psycopg.connect(url, autocommit=True, options="-c search_path=stackfold") as it:
            it.execute("SET allow_system_table_mods = on")
            it.execute(statement.encode())

    return execute


@contextmanager
def not_maintained(execute, index):
    """In the block an index gets no new entries; afterwards it counts as sound again."""
    setting = f"UPDATE pg_index SET indisready = {{}} WHERE indexrelid = '{index}'::regclass"
    execute(setting.format("false"))
    yield
    execute(setting.format("true"))


UNIQUE = "events_originator_id_originator_version_key"


MISSING = {
    "DROP TRIGGER events_stay ON events": "the trigger 'events_stay' is missing",
    "ALTER TABLE events DISABLE TRIGGER events_stay": (
        "the trigger 'events_stay' is disabled, or differs from its definition"
    ),
    "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN NEW; END $$": (
        "the trigger 'events_stay' is disabled, or differs from its definition"
    ),
    "DROP TRIGGER events_are_announced ON events": (
        "the trigger 'events_are_announced' is missing"
    ),
    "DROP INDEX stacks_named": "the index 'stacks_named' is missing",
    f"ALTER TABLE events DROP CONSTRAINT {UNIQUE}": f"the index '{UNIQUE}' is missing",
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_by_time'::regclass": (
        "the index 'events_by_time' is missing"
    ),
}


@pytest.mark.slow
def test_missing_indexes_and_triggers_are_reported_and_recreated(ws, execute):
    for statement, problem in MISSING.items():
        execute(statement)
        found = ws.log.verify()
        assert found.problem.startswith(problem)
        assert "as the owner of the log, run `stackfold log rebuild`" in found.remedy
        ws.log.rebuild()
        assert ws.log.verify().intact


def test_an_index_that_is_no_longer_unique_is_reported(ws, execute):
    execute("DROP INDEX stacks_named")
    execute("CREATE INDEX stacks_named ON stacks (name) WHERE until IS NULL")
    assert ws.log.verify().problem == "the index 'stacks_named' differs from its definition"
    ws.log.rebuild()
    assert ws.log.verify().intact


def test_an_event_that_an_index_hides_is_reported_with_its_position(ws, execute):
    with not_maintained(execute, UNIQUE):
        ws.components.update(STORE, "shared", {"path": "/two"})
    found = ws.log.verify()
    assert found.position == ws.log.head().position
    assert found.problem == f"differs between the index '{UNIQUE}' and the log"
    ws.log.rebuild()
    assert ws.log.verify().intact


def test_a_name_that_an_index_hides_is_reported(ws, execute):
    with not_maintained(execute, "stacks_named"):
        stack(ws, "hidden")
    found = ws.log.verify()
    assert found.problem == "the index 'stacks_named' differs from the table 'stacks'"
    ws.log.rebuild()
    assert ws.log.verify().intact
    assert names(ws.stacks.list()) == ["default", "hidden", "prod"]


REPORTED = r"#8 makes a second stack 'twin', beside #7: it is shown as 'twin-\w{8}' until it is"


def test_duplicate_names_do_not_prevent_a_rebuild_or_a_copy(ws, execute, postgres, tmp_path):
    with not_maintained(execute, "stacks_named"):
        stack(ws, "twin")
        stack(ws, "twin", description="the second")
    assert not ws.log.verify().intact
    with pytest.warns(LogContradicts, match=REPORTED):
        ws.log.rebuild()
    found = ws.log.verify()
    assert (found.position, found.log_intact) == (8, True)
    with pytest.warns(LogContradicts, match=REPORTED):
        ws.log.fork(None, tmp_path / "forked")
    head = ws.log.export(tmp_path / "log.jsonl")
    with postgres.lent() as other:
        with pytest.warns(LogContradicts, match=REPORTED):
            assert Workspace.import_log(tmp_path / "log.jsonl", store=other) == head
        with opened(other) as imported:
            assert tables(imported) == tables(ws)
    (shown,) = [name for name in names(ws.stacks.list()) if name.startswith("twin-")]
    ws.stacks.rename(shown, "other")
    assert ws.log.verify().intact


TWICE = r"#8 is a second revision 2 of component [\w-]+, beside #7; both count"


def test_two_events_of_one_revision_do_not_prevent_a_rebuild_or_a_copy(
    ws, execute, postgres, tmp_path
):
    with not_maintained(execute, UNIQUE):
        ws.components.update(STORE, "shared", {"path": "/two"})
    with not_maintained(execute, UNIQUE):
        ws.components.update(STORE, "shared", labels={"team": "x"})
    assert not ws.log.verify().intact
    with pytest.warns(LogContradicts, match=TWICE):
        ws.log.rebuild()
    head = ws.log.export(tmp_path / "log.jsonl")
    with postgres.lent() as other:
        with pytest.warns(LogContradicts, match=TWICE):
            assert Workspace.import_log(tmp_path / "log.jsonl", store=other) == head
        with opened(other) as imported:
            found = imported.log.verify()
            assert (found.position, found.log_intact) == (8, True)
            changed = imported.components.update(STORE, "shared", {"path": "/three"})
            assert (changed.revision, changed.labels) == (3, {"team": "x"})


def test_a_missing_read_model_is_reported_and_recreated(ws, execute):
    execute("DROP TABLE stacks")
    with pytest.raises(ReadModelDamaged, match="is missing: rebuild the read models"):
        ws.stacks.list()
    ws.log.rebuild()
    assert names(ws.stacks.list()) == ["default", "prod"]
    assert ws.log.verify().intact


# -- amcheck


@pytest.fixture
def amcheck(postgres, url):
    database = url.rpartition("/")[2]
    postgres.execute("CREATE EXTENSION amcheck", database)
    yield
    postgres.execute("DROP EXTENSION amcheck", database)


def test_amcheck_is_used_if_it_is_installed(ws, execute, amcheck):
    assert ws.log.verify().intact
    with not_maintained(execute, "components_at"):
        store(ws, "hidden")
    problem = ws._database.damage().problem
    assert problem.startswith("the index 'components_at' is damaged: heap tuple")


def test_without_amcheck_its_checks_are_skipped(ws, execute):
    with not_maintained(execute, "components_at"):
        store(ws, "hidden")
    assert ws._database.damage() is None
    assert "components_at" in ws.log.verify().problem


def test_a_user_without_rights_to_amcheck_verifies_without_it(ws, execute, postgres, url, amcheck):
    database = url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS team")
    postgres.execute("CREATE ROLE team LOGIN")
    postgres.execute("GRANT USAGE ON SCHEMA stackfold TO team", database)
    postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA stackfold TO team", database)
    with opened(postgres.url(database, "team")) as reader:
        assert reader.log.verify().intact
        with not_maintained(execute, "components_at"):
            store(ws, "hidden")
        assert reader._database.damage() is None
        for statement in documented_grants():
            postgres.execute(statement, database)
        assert "heap tuple" in reader._database.damage().problem
        assert "components_at" in reader.log.verify().problem
    postgres.execute("DROP OWNED BY team", database)
    postgres.execute("DROP ROLE team")


def documented_grants():
    """The statements in docs/postgres.md that let others use amcheck."""
    text = (Path(__file__).parents[2] / "docs" / "postgres.md").read_text()
    block = text.partition("CREATE EXTENSION amcheck;\n")[2].partition("```")[0]
    statements = [each.strip() for each in block.split(";") if each.strip()]
    assert len(statements) == 2
    return statements
