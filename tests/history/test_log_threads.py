"""Concurrent threads: verifying and rebuilding do not block others, commands exclude each other."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from workspaces import STORE, names, stack, store

from stackfold.domain.errors import LogUnavailable, NeedsConfirmation
from stackfold.infrastructure.eventstore import rebuild, shadow_rebuild, verification
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture(params=["in a folder", "in PostgreSQL"])
def home(request, tmp_path):
    if request.param == "in PostgreSQL":
        opening = request.getfixturevalue("postgres").workspace()
    else:
        opening = Workspace.open(tmp_path / "home")
    with opening as ws:
        stack(ws, "prod")
        yield ws


def in_the_middle(monkeypatch, module, action, function="events"):
    """Let another thread do something while events are folded, and wait until it has."""
    every = getattr(module, function)
    done = []

    def events(*args):
        found = iter(every(*args))
        yield next(found)
        if not done:
            with ThreadPoolExecutor() as pool:
                done.append(pool.submit(action).result())
        yield from found

    monkeypatch.setattr(module, function, events)
    return done


def test_while_a_log_is_verified_others_read_and_write(home, monkeypatch):
    done = in_the_middle(monkeypatch, verification, lambda: stack(home, "new"))
    found = home.log.verify()
    assert names(done) == ["new"]
    # Verification reads one state of the log, from before the other change.
    assert found.intact
    monkeypatch.undo()
    assert home.log.verify().events == found.events + 1


@pytest.mark.parametrize("wrong", ["nothing", "rows", "table"])
def test_while_a_log_is_rebuilt_others_read(home, monkeypatch, wrong):
    module, function = (shadow_rebuild, "events_after")
    with home._database.write() as cursor:
        if wrong == "rows":
            cursor.execute("UPDATE stacks SET description = 'wrong'")
        if wrong == "table":
            if home.store:
                pytest.skip("readers wait while the server creates an index")
            cursor.execute("DROP INDEX stacks_named")
            module, function = (rebuild, "events")
    done = in_the_middle(monkeypatch, module, home.stacks.list, function)
    home.log.rebuild()
    assert [names(views) for views in done] == [["default", "prod"]]
    assert home.log.verify().intact


@pytest.mark.parametrize("wrong", ["nothing", "rows"])
def test_while_a_log_is_rebuilt_others_write(home, monkeypatch, wrong):
    if wrong == "rows":
        with home._database.write() as cursor:
            cursor.execute("UPDATE components SET by = 'wrong'")
    done = in_the_middle(
        monkeypatch, shadow_rebuild, lambda: stack(home, "new"), function="events_after"
    )
    home.log.rebuild()
    assert names(done) == ["new"]
    assert names(home.stacks.list()) == ["default", "new", "prod"]
    assert home.log.verify().intact


def test_a_log_in_memory_is_verified_while_others_write(ws, monkeypatch):
    done = in_the_middle(monkeypatch, verification, lambda: stack(ws, "new"))
    assert ws.log.verify().intact
    assert names(done) == ["new"]


def test_no_other_stack_can_use_a_component_during_a_revert_with_components(home, monkeypatch):
    store(home, "lake", path="/one")
    stack(home, "mine", artifact_store="lake")
    home.components.update(STORE, "lake", {"path": "/two"})
    asked = home._services.queries.stacks_with
    address = getattr(home._database, "_address", None)
    with Workspace.open(store=address.url) if address else Workspace.open(home.home) as other:
        database = other._database
        connection = (database._pool._idle[-1] if address else database)._connection
        connection.execute("SET lock_timeout TO 20" if address else "PRAGMA busy_timeout = 0")

        def overtaken(component):
            found = asked(component)
            with pytest.raises(LogUnavailable, match="locked by another process"):
                stack(other, "theirs", artifact_store="lake")
            return found

        monkeypatch.setattr(home._services.queries, "stacks_with", overtaken)
        home.stacks.revert("mine", 1, with_components=True)
        monkeypatch.undo()
        assert home.components.get(STORE, "lake").configuration == {"path": "/one"}
        stack(other, "theirs", artifact_store="lake")
    home.components.update(STORE, "lake", {"path": "/two"})
    with pytest.raises(NeedsConfirmation):
        home.stacks.revert("mine", 1, with_components=True, dry_run=True)
