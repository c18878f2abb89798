"""Workspaces with policies, on each database."""

import pytest

from stackfold.eventsourcing import Policy, policy
from stackfold.infrastructure.workspace import Workspace


@policy("reasons", topics=["stack.*"])
def reasons(change):
    """A change of a stack has a reason."""
    for each in change.governed:
        if not each.why:
            change.reject("give a reason")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request, tmp_path):
    """A log that several workspaces open: a folder, or the address of a database."""
    if request.param == "SQLite":
        yield str(tmp_path / "home")
        return
    with request.getfixturevalue("postgres").lent() as address:
        yield address


@pytest.fixture
def open_with(place):
    """Open the log with policies, once or several times."""
    workspaces = []

    def open_it(*policies):
        if place.startswith("postgresql:"):
            ws = Workspace.open(store=place, policies=policies, actor="ada@example.com")
        else:
            ws = Workspace.open(place, policies=policies, actor="ada@example.com")
        workspaces.append(ws)
        return ws

    yield open_it
    for ws in workspaces:
        ws.close()


def enabled(open_with, check, topics=("stack.*",), **more):
    """A workspace with an enabled policy "rule"."""
    ws = open_with(Policy("rule", check, topics=topics, **more))
    ws.policies.enable("rule")
    return ws


def rejects(ws, error, command):
    """Assert that a command raises an error and records nothing; return the error."""
    before = ws.log.head()
    with pytest.raises(error) as raised:
        command()
    assert ws.log.head() == before
    return raised.value


def nothing(change):
    """Accept everything."""
