"""Any change of the read models is found by `verify`, and repaired by a rebuild."""

import pytest
from history.homes import opened_by_force, tamper, verified

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.workspace import Workspace


def tables_and_columns():
    with Workspace.in_memory() as ws:
        for table in ReadModelTables(STACKFOLD_AGGREGATES).names():
            for _, column, *_ in ws._database.read(f"PRAGMA table_info({table})"):
                yield pytest.param(table, column, id=f"{table}.{column}")


def must_be_found_in_table(home, table):
    found = verified(home)
    assert found.problem == f"differs in the read model {table!r}"
    assert found.log_intact
    with Workspace.open(home) as ws:
        assert 0 <= found.position <= ws.log.head().position
        assert (found.events, found.head) == (ws.log.head().position, str(ws.log.head()))
        ws.log.rebuild()
        assert ws.log.verify().intact, "a rebuild fixes read models"


def last_row(table):
    return f"rowid = (SELECT max(rowid) FROM {table})"


@pytest.mark.slow
@pytest.mark.parametrize(("table", "column"), [*tables_and_columns()])
def test_a_changed_column(home, table, column):
    other = {
        "components": '\'{"orchestrator":["x"]}\'' if table == "stacks" else "'{}'",
        "labels": "'{\"a\":\"b\"}'",
        "configuration": "'{\"path\":\"elsewhere\"}'",
        "schema": "'{}'",
    }.get(column, f"CASE typeof({column}) WHEN 'integer' THEN {column} + 1 "
                  f"WHEN 'null' THEN 7 ELSE {column} || 'x' END")  # fmt: skip
    tamper(home, f"UPDATE {table} SET {column} = {other} WHERE {last_row(table)}")
    must_be_found_in_table(home, table)


@pytest.mark.parametrize("table", [*ReadModelTables(STACKFOLD_AGGREGATES).names()])
def test_a_removed_row(home, table):
    tamper(home, f"DELETE FROM {table} WHERE {last_row(table)}")
    must_be_found_in_table(home, table)


@pytest.mark.parametrize("table", [*ReadModelTables(STACKFOLD_AGGREGATES).names()])
def test_an_added_row(home, table):
    with opened_by_force(home) as connection:
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
        keys = {"id", "name", "scope", "run"}
        keys |= {"artifact"} if table == "artifact_versions" else set()
        keys |= {"time"} if table == "scheduled_runs" else set()
        values = [f"{name} || 'x'" if name in keys else name for name in columns]
        if table == "log_entries":
            values[columns.index("position")] = "0"
        connection.execute(
            f"INSERT INTO {table} SELECT {', '.join(values)} FROM {table} WHERE {last_row(table)}"
        )
    must_be_found_in_table(home, table)


def test_a_row_added_twice(home):
    """Even where the indexes that forbid it were dropped before."""
    with opened_by_force(home) as connection:
        indexes = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'stacks'"
        )
        for (index,) in indexes.fetchall():
            connection.execute(f"DROP INDEX {index}")
        connection.execute("INSERT INTO stacks SELECT * FROM stacks WHERE since = 3")
    assert verified(home).problem == "a row exists twice in the read model 'stacks'"


def test_the_position_is_that_of_the_first_row_that_differs(home):
    tamper(home, "UPDATE stacks SET description = 'x' WHERE name = 'prod' AND revision = 2")
    with Workspace.open(home) as ws:
        ((since,),) = ws._database.read("SELECT since FROM stacks WHERE description = 'x'")
        assert ws.log.verify().position == since
    tamper(home, "UPDATE components SET name = 'x' WHERE since = 1")
    with Workspace.open(home) as ws:
        assert ws.log.verify().position == 1
