"""Restoring deleted stacks and components with their last state."""

from history.homes import ALERTER, rejected, state
from workspaces import STORE, stack

from stackfold.domain.errors import (
    ComponentDeleted,
    NameTaken,
    NotDeleted,
    NotFound,
)


def test_a_deleted_stack_is_restored_with_its_last_state(ws, prod):
    ws.stacks.delete("prod")
    (entry,) = ws.stacks.restore("prod", why="still needed")
    assert (entry.action, entry.revision, entry.why) == ("restored", 5, "still needed")
    view = ws.stacks.get("prod")
    assert state(view) == state(prod)
    assert (view.id, view.created) == (prod.id, prod.created)


def test_components_deleted_with_the_stack_must_be_restored_first(ws, prod):
    ws.stacks.delete("prod", recursive=True)
    says = "deleted: restore it first$"
    with rejected(ws, ComponentDeleted, says):
        ws.stacks.restore("prod")
    ws.components.restore(STORE, "shared")
    ws.stacks.restore("prod")
    assert ws.stacks.get("prod").components["artifact_store"] == ["shared"]


def test_a_restored_name_must_not_be_in_use(ws, prod):
    ws.stacks.delete("prod")
    new = stack(ws, "prod")
    for reference in ("prod", prod.id):
        with rejected(ws, NameTaken, "a stack named 'prod' exists already: rename or delete"):
            ws.stacks.restore(reference)
    ws.stacks.rename("prod", "new")
    ws.stacks.restore("prod")
    assert ws.stacks.get("prod").id == prod.id
    assert ws.stacks.get("new").id == new.id


def test_the_latest_of_several_deleted_stacks_is_restored(ws):
    ids = []
    for _ in range(2):
        ids.append(stack(ws, "prod").id)
        ws.stacks.delete("prod")
    ws.stacks.restore("prod")
    assert ws.stacks.get("prod").id == ids[1]
    ws.stacks.rename("prod", "other")
    ws.stacks.restore("prod")
    assert ws.stacks.get("prod").id == ids[0]


def test_what_exists_or_never_existed_cannot_be_restored(ws, prod):
    with rejected(ws, NotDeleted, "stack 'prod' is not deleted: there is nothing to restore"):
        ws.stacks.restore("prod")
    with rejected(ws, NotDeleted, "artifact store 'shared' is not deleted"):
        ws.components.restore(STORE, "shared")
    with rejected(ws, NotFound, "there is no stack 'never': there never was one"):
        ws.stacks.restore("never")
    with rejected(ws, NotFound, "there is no alerter 'shared': there never was one"):
        ws.components.restore(ALERTER, "shared")
