"""Who acts in a workspace: changes, histories and active stacks follow it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from workspaces import stack, store

from stackfold.domain.errors import Invalid, InvalidActor, StackfoldError
from stackfold.infrastructure.workspace import Workspace

INVALID = ["", "  ", "a" * 256, "ada\nbob", "ada\0", "\x1b[31mada", "ada\u2028", "\ud800", None, 7]


def authors(workspace):
    return [entry.by for entry in workspace.stacks.history("s")]


def test_the_actor_of_a_workspace_makes_its_changes(tmp_path):
    for workspace in (
        Workspace.in_memory(actor=" ada@example.org "),
        Workspace.open(tmp_path, actor=lambda: "ada@example.org"),
    ):
        with workspace:
            assert workspace.actor == "ada@example.org"
            assert {entry.by for entry in workspace.log.entries()} == {"ada@example.org"}
            assert stack(workspace, "s").by == "ada@example.org"


def test_a_function_is_called_for_each_change():
    name = "ada"
    with Workspace.in_memory(actor=lambda: name) as workspace:
        stack(workspace, "s")
        name = "bob"
        workspace.stacks.rename("s", "t")
        assert [entry.by for entry in workspace.stacks.history("t")] == ["bob", "ada"]


def test_in_a_block_somebody_else_acts(ws):
    default = ws.actor
    with ws.acting_as("ada", correlation_id="request-1"):
        stack(ws, "s")
        with ws.acting_as("bob"):
            ws.stacks.rename("s", "t")
        with ws.acting_as("carol", correlation_id="request-2"):
            ws.stacks.rename("t", "u")
        assert ws.actor == "ada"
    ws.stacks.rename("u", "s")
    assert [(entry.by, entry.correlation_id) for entry in ws.stacks.history("s")] == [
        (default, None),
        ("carol", "request-2"),
        ("bob", "request-1"),
        ("ada", "request-1"),
    ]
    assert [event.data.get("correlation_id") for event in ws.log.events()][-2:] == [
        "request-2",
        None,
    ]


def test_the_block_ends_where_it_raises(ws):
    default = ws.actor
    with pytest.raises(ZeroDivisionError), ws.acting_as("ada"):
        raise ZeroDivisionError
    assert ws.actor == default


def test_a_block_that_ends_in_another_context_leaves_that_one_alone(ws):
    block = ws.acting_as("ada")
    copy_context().run(block.__enter__)
    with ws.acting_as("bob"):
        block.__exit__(None, None, None)
        assert ws.actor == "bob"


def test_another_workspace_and_another_thread_are_not_affected(ws):
    with (
        Workspace.in_memory(actor="bob") as other,
        ThreadPoolExecutor(1) as thread,
        ws.acting_as("ada"),
    ):
        stack(other, "s")
        assert authors(other) == ["bob"]
        assert thread.submit(lambda: ws.actor).result() != "ada"
        with other.acting_as("carol"):
            assert (ws.actor, other.actor) == ("ada", "carol")


def test_tasks_act_independently(ws):
    async def request(name):
        with ws.acting_as(name, correlation_id=f"request of {name}"):
            store(ws, f"first-{name}")
            await asyncio.sleep(0)
            store(ws, f"second-{name}")
            return await asyncio.to_thread(lambda: ws.actor)

    async def requests():
        return await asyncio.gather(request("ada"), request("bob"))

    assert asyncio.run(requests()) == ["ada", "bob"]
    made = [(e.name, e.by, e.correlation_id) for e in ws.log.entries(limit=4)]
    assert sorted(made) == [
        ("first-ada", "ada", "request of ada"),
        ("first-bob", "bob", "request of bob"),
        ("second-ada", "ada", "request of ada"),
        ("second-bob", "bob", "request of bob"),
    ]


@pytest.mark.parametrize("actor", INVALID, ids=repr)
def test_an_invalid_actor_is_rejected_before_anything_is_written(ws, actor, tmp_path):
    if actor is not None:
        with pytest.raises(InvalidActor, match="cannot be the actor: use 1 to 255 characters"):
            Workspace.open(tmp_path, actor=actor)
        with pytest.raises(InvalidActor):
            Workspace.in_memory(actor=actor)
        assert [*tmp_path.iterdir()] == []
    with pytest.raises(InvalidActor), ws.acting_as(actor):
        raise AssertionError
    before = ws.log.head()
    with ws.acting_as(lambda: actor), pytest.raises(StackfoldError, match="cannot be the actor"):
        store(ws, "s")
    assert ws.log.head() == before


@pytest.mark.parametrize("correlation_id", [each for each in INVALID if each is not None], ids=repr)
def test_an_invalid_correlation_id_is_rejected(ws, correlation_id):
    with (
        pytest.raises(Invalid, match="cannot be the correlation id"),
        ws.acting_as("ada", correlation_id=correlation_id),
    ):
        raise AssertionError


def test_the_environment_is_the_default(monkeypatch, tmp_path):
    from stackfold.infrastructure.system.author import author

    author.cache_clear()
    monkeypatch.setenv("STACKFOLD_ACTOR", "carol")
    with Workspace.open(tmp_path) as workspace:
        assert stack(workspace, "s").by == "carol"
    author.cache_clear()
    monkeypatch.setenv("STACKFOLD_ACTOR", "carol\a")
    with Workspace.open(tmp_path) as workspace, pytest.raises(InvalidActor):
        workspace.stacks.rename("s", "t")
    author.cache_clear()


def test_a_server_authenticates_a_role_and_a_file_nobody(ws):
    with ws.acting_as("ada"):
        stack(ws, "s")
    role = "postgres" if ws.store else None
    (entry,) = ws.stacks.history("s")
    assert (entry.by, entry.database_role) == ("ada", role)
    *_, event = ws.log.events()
    assert event.data.get("database_role") == role
