"""A damaged cell of a read model is reported in one line, and a rebuild repairs it."""

import sqlite3
from contextlib import closing

import pytest
from history.homes import tables
from workspaces import STORE

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import ReadModelDamaged
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace

JSON = [
    *(
        (model.table, column)
        for model in STACKFOLD_AGGREGATES.read_models()
        for column in sorted(model.json)
    ),
    *(("runs", column) for column in ("parameters", "graph", "pin", "environment", "tags")),
    *(("steps", column) for column in ("parameters", "inputs", "retried", "metadata")),
    *(("artifacts", column) for column in ("metadata", "tags", "versions")),
]


def reads(ws):
    """Queries that read all read models."""
    yield ws.stacks.list
    yield lambda: ws._services.queries.stack_components(ws._services.queries.find_stack("live").id)
    yield lambda: ws.stacks.history("live")
    yield lambda: ws.components.list(STORE)
    yield lambda: ws.components.history(STORE, "shared")
    yield lambda: [ws.flavors.list(type) for type in {STORE}]
    yield ws.runs.list
    yield lambda: [ws.runs.describe(view.id) for view in ws.runs.list()]
    yield ws.artifacts.list
    yield lambda: [
        ws._services.deployment_queries.describe_deployment(v.id) for v in _deployments(ws)
    ]
    yield lambda: [*ws.log.entries()]
    yield ws.status


def _deployments(ws):
    return ws._services.deployment_queries.deployments()


def errors(ws):
    told = []
    for read in reads(ws):
        try:
            read()
        except ReadModelDamaged as error:
            told.append(str(error))
    return told


@pytest.mark.slow
@pytest.mark.parametrize("value", ["'{'", "'garbage'", "'7'", "x'00ff'"])
def test_every_query_of_a_damaged_cell_suggests_a_rebuild(filled, home, value):
    before = tables(filled)
    assert errors(filled) == []
    for table, column in JSON:
        with closing(sqlite3.connect(home / LOG_FILE)) as connection:
            connection.execute(f"UPDATE {table} SET {column} = {value}")
            connection.commit()
        told = errors(filled)
        if (table, column) in READ:
            assert told, f"{table}.{column} is read by none of these"
        assert all(each.endswith(": rebuild the read models") for each in told)
        filled.log.rebuild()
        assert tables(filled) == before


READ = {
    *((table, column) for table, column in JSON if table in ("stacks", "components", "runs")),
    ("steps", "inputs"),
    ("artifacts", "metadata"),
}


def test_invalid_text_and_a_missing_table_suggest_a_rebuild(filled, home):
    for damage in (
        "UPDATE stacks SET description = CAST(x'ff' AS TEXT)",
        "DROP TABLE components",
    ):
        with closing(sqlite3.connect(home / LOG_FILE)) as connection:
            connection.execute(damage)
            connection.commit()
        with (
            Workspace.open(home) as ws,
            pytest.raises(ReadModelDamaged, match="rebuild the read"),
        ):
            ws.stacks.list()
        with Workspace.open(home) as ws:
            ws.log.rebuild()
            assert ws.stacks.list()


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        ("UPDATE stacks SET components = '{\"orchestrator\": 5}'", lambda ws: ws.stacks.list()),
        ("UPDATE stacks SET components = '[]'", lambda ws: ws.stacks.list()),
        ("UPDATE runs SET graph = '[7]'", lambda ws: ws.runs.describe(ws.runs.list()[0].id)),
        ("UPDATE deployments SET artifact = '{}'", lambda ws: ws.deployments.describe("churn")),
    ],
)
def test_a_cell_of_another_structure_suggests_a_rebuild(filled, home, damage, read):
    with closing(sqlite3.connect(home / LOG_FILE)) as connection:
        connection.execute(damage)
        connection.commit()
    with pytest.raises(ReadModelDamaged, match="rebuild the read"):
        read(filled)


def test_invalid_arguments_are_not_reported_as_damage(filled):
    with pytest.raises((AttributeError, TypeError)):
        filled._services.queries.stack(object())
