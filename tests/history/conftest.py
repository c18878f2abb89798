"""Fixtures for tests of the history."""

import pytest
from history.homes import copied, fill
from own_aggregates import Place
from workspaces import stack, store

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """A home with a little of everything in its log; to be copied, never to be changed."""
    home = tmp_path_factory.mktemp("original") / "home"
    with Workspace.open(home) as ws:
        fill(ws)
        assert ws.log.verify().intact
        for table in ReadModelTables(STACKFOLD_AGGREGATES).names():
            assert ws._database.read(f"SELECT 1 FROM {table}"), f"{table} is empty"
    return home


@pytest.fixture
def home(original, tmp_path):
    """A home with a little of everything in its log."""
    return copied(original, tmp_path / "home")


@pytest.fixture
def filled(home):
    with Workspace.open(home) as ws:
        yield ws


@pytest.fixture
def prod(ws):
    """Revisions: 1 on `shared`; 2 with a description; 3 renamed from `first` to `prod`."""
    store(ws, "shared", path="/one")
    stack(ws, "first", artifact_store="shared")
    ws.stacks.update("first", description="For real", labels={"team": "vision"})
    return ws.stacks.rename("first", "prod")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request, tmp_path):
    if request.param == "SQLite":
        yield Place(tmp_path / "home")
        return
    with request.getfixturevalue("postgres").lent() as url:
        yield Place(tmp_path / "home", url)
