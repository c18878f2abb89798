"""Commands that expect a revision or a position, as with `If-Match`."""

from threading import Thread

import pytest
from workspaces import STORE, stack, store

from stackfold.domain.errors import (
    ConcurrentModification,
    Conflict,
    NotFound,
    StalePosition,
    StaleRevision,
)


@pytest.fixture
def changed(ws):
    """A stack and a component, which Bob changed to revision 3."""
    store(ws, "s3", path="1")
    stack(ws, "prod", artifact_store="s3")
    with ws.acting_as("bob"):
        ws.stacks.update("prod", description="2")
        ws.stacks.update("prod", labels={"team": "x"})
        ws.components.update(STORE, "s3", {"path": "2"})
        ws.components.update(STORE, "s3", labels={"team": "x"})
    return ws


ON_STACKS = {
    "update": lambda ws, **more: ws.stacks.update("prod", description="mine", **more),
    "rename": lambda ws, **more: ws.stacks.rename("prod", "production", **more),
    "copy": lambda ws, **more: ws.stacks.copy("prod", "production", **more),
    "delete": lambda ws, **more: ws.stacks.delete("prod", **more),
    "delete all": lambda ws, **more: ws.stacks.delete("prod", recursive=True, **more),
    "revert": lambda ws, **more: ws.stacks.revert("prod", 1, **more),
    "revert all": lambda ws, **more: ws.stacks.revert("prod", 1, with_components=True, **more),
    "remove": lambda ws, **more: ws.stacks.remove_components("prod", {STORE: []}, **more),
    "set default": lambda ws, **more: ws.stacks.set_default("prod", {STORE: "s3"}, **more),
}
ON_COMPONENTS = {
    "update": lambda ws, **more: ws.components.update(STORE, "s3", {"path": "3"}, **more),
    "remove": lambda ws, **more: ws.components.remove_attributes(STORE, "s3", ["path"], **more),
    "rename": lambda ws, **more: ws.components.rename(STORE, "s3", "s4", **more),
    "copy": lambda ws, **more: ws.components.copy(STORE, "s3", "s4", **more),
    "delete": lambda ws, **more: ws.components.delete(STORE, "s3", **more),
    "revert": lambda ws, **more: ws.components.revert(STORE, "s3", 1, **more),
}


@pytest.mark.parametrize("command", ON_STACKS.values(), ids=ON_STACKS)
def test_a_command_on_a_stack_rejects_a_stale_revision(changed, command):
    before = changed.log.head()
    with pytest.raises(
        StaleRevision, match="'prod' is at revision 3, not 1: bob changed"
    ) as raised:
        command(changed, expected_revision=1)
    assert isinstance(raised.value, ConcurrentModification)
    assert isinstance(raised.value, Conflict)
    assert (raised.value.by, raised.value.revision, raised.value.expected) == ("bob", 3, 1)
    assert raised.value.fields == ("description", "label team")
    assert changed.log.head() == before


@pytest.mark.parametrize("command", ON_COMPONENTS.values(), ids=ON_COMPONENTS)
def test_a_command_on_a_component_rejects_a_stale_revision(changed, command):
    before = changed.log.head()
    with pytest.raises(StaleRevision, match="'s3' is at revision 3, not 2: bob changed label team"):
        command(changed, expected_revision=2)
    assert changed.log.head() == before


@pytest.mark.parametrize("command", ["update", "rename", "copy", "delete", "revert"])
def test_the_latest_revision_is_accepted(changed, command):
    ON_STACKS[command](changed, expected_revision=3)


@pytest.mark.parametrize("command", ["update", "remove", "rename", "copy", "revert"])
def test_the_latest_revision_of_a_component_is_accepted(changed, command):
    ON_COMPONENTS[command](changed, expected_revision=3)


def test_a_revision_that_does_not_exist_yet_is_rejected(changed):
    with pytest.raises(StaleRevision, match="at revision 3, not 4: nothing was recorded"):
        changed.stacks.rename("prod", "production", expected_revision=4)


def test_what_was_deleted_is_not_found(changed):
    changed.stacks.delete("prod")
    with pytest.raises(NotFound):
        changed.stacks.rename("prod", "production", expected_revision=3)


def test_restoring_rejects_a_stale_revision(changed):
    changed.stacks.delete("prod")
    with changed.acting_as("bob"):
        changed.stacks.restore("prod", expected_revision=4)
        changed.stacks.delete("prod")
        changed.components.delete(STORE, "s3")
    with pytest.raises(StaleRevision, match="'prod' is at revision 6, not 4: bob changed"):
        changed.stacks.restore("prod", expected_revision=4)
    with pytest.raises(StaleRevision, match="'s3' is at revision 4, not 3: bob changed"):
        changed.components.restore(STORE, "s3", expected_revision=3)
    changed.components.restore(STORE, "s3", expected_revision=4)
    changed.stacks.restore("prod", expected_revision=6)


def test_a_copy_excludes_changes_of_its_original(changed, monkeypatch):
    repository = changed._services.repository
    check, threads = repository.expect, []

    def bob_changes():
        with changed.acting_as("bob"):
            changed.stacks.update("prod", description="in between")

    def then_bob_waits(aggregate, revision):
        check(aggregate, revision)
        monkeypatch.undo()
        threads.append(Thread(target=bob_changes))
        threads[0].start()
        threads[0].join(0.2)
        assert threads[0].is_alive()

    monkeypatch.setattr(repository, "expect", then_bob_waits)
    copy = changed.stacks.copy("prod", "production", expected_revision=3)
    threads[0].join()
    assert copy.description == "2"
    assert changed.stacks.get("prod").description == "in between"


def test_undo_rejects_a_later_change(changed):
    position = changed.log.head().position
    with changed.acting_as("bob"):
        changed.stacks.rename("prod", "production")
    with pytest.raises(
        StalePosition,
        match=rf"after #{position}, bob changed the log \(#{position + 1}: stack 'production' ren",
    ) as raised:
        changed.undo(expected_position=position)
    assert (raised.value.by, raised.value.fields) == ("bob", ("name",))
    assert changed.undo(expected_position=position + 1)
    assert changed.stacks.get("prod").name == "prod"
    with pytest.raises(StalePosition):
        changed.undo(expected_position=position + 1)


def test_an_activation_rejects_a_later_one(changed):
    position = changed.log.head().position
    changed.stacks.rename("prod", "production")
    changed.stacks.activate("production", expected_position=position)
    with (
        changed.acting_as("bob"),
        pytest.raises(StalePosition, match=f"after #{position}, .* changed the log"),
    ):
        changed.stacks.activate("default", expected_position=position)
    changed.stacks.activate("default", expected_position=position + 2)


def test_a_change_after_the_check_is_noticed(changed, monkeypatch):
    repository = changed._services.repository
    check = repository.expect

    def then_bob_changes(aggregate, revision):
        check(aggregate, revision)
        monkeypatch.undo()
        with changed.acting_as("bob"):
            changed.stacks.update("prod", description="in between")

    monkeypatch.setattr(repository, "expect", then_bob_changes)
    with pytest.raises(StaleRevision, match="at revision 4, not 3: bob changed description"):
        changed.stacks.rename("prod", "production", expected_revision=3)
