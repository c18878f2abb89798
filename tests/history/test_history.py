"""History: changes field by field, with author and reason, newest first."""

import pytest
from event_examples import EXAMPLES
from history.homes import ALERTER, RUN, append, as_somebody, changes, rejected, summaries
from workspaces import OPERATOR, STORE, stack, store

from stackfold.domain.errors import NotFound, NotInStack
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.stack import Stack


@pytest.fixture
def prod(ws):
    """A stack on a component of its own."""
    store(ws, "shared", path="/one")
    for name in ("a", "b"):
        ws.components.register(OPERATOR, name, "local")
    return stack(ws, "prod", artifact_store="shared")


def latest(ws):
    return ws.stacks.history("prod")[0]


# -- one entry


def test_an_entry_has_author_time_position_and_reason(ws, prod):
    as_somebody(ws, "eve@example.com")
    updated = ws.stacks.update("prod", description="For real", why="it was missing")
    entry = latest(ws)
    assert (entry.by, entry.why) == ("eve@example.com", "it was missing")
    assert (entry.kind, entry.name, entry.id) == ("stack", "prod", prod.id)
    assert (entry.action, entry.revision) == ("updated", 2)
    assert entry.when == updated.updated
    assert entry.position == entry.change == ws.log.head().position


def test_registering_sets_every_given_field(ws, prod):
    assert changes(latest(ws)) == {
        "name": (None, "prod"),
        "orchestrator": (None, "default"),
        "artifact_store": (None, "shared"),
    }


def test_an_update_shows_the_values_before_and_after(ws, prod):
    ws.stacks.update("prod", description="one", labels={"team": "vision"})
    ws.stacks.update("prod", artifact_store="default", description="two", labels={"team": None})
    assert changes(latest(ws)) == {
        "description": ("one", "two"),
        "label team": ("vision", None),
        "artifact_store": ("shared", "default"),
    }


def test_several_components_of_a_type_are_shown_in_order(ws, prod):
    ws.stacks.update("prod", step_operator=["a", "b"])
    assert changes(latest(ws)) == {"step_operator": (None, "a, b")}
    ws.stacks.set_default("prod", {OPERATOR: "b"})
    assert latest(ws).action == "default set"
    assert changes(latest(ws)) == {"step_operator": ("a, b", "b, a")}
    ws.stacks.remove_components("prod", {OPERATOR: ["a"]})
    assert latest(ws).action == "components removed"
    assert changes(latest(ws)) == {"step_operator": ("b, a", "b")}
    ws.stacks.remove_components("prod", {OPERATOR: []})
    assert changes(latest(ws)) == {"step_operator": ("b", None)}


def test_a_renaming_a_deletion_and_a_restoration(ws, prod):
    ws.stacks.rename("prod", "live")
    ws.stacks.delete("live")
    ws.stacks.restore("live")
    restored, deleted, renamed, _ = ws.stacks.history("live")
    assert changes(renamed) == {"name": ("prod", "live")}
    assert changes(deleted) == {
        "name": ("live", None),
        "orchestrator": ("default", None),
        "artifact_store": ("shared", None),
    }
    assert [each.revision for each in (restored, deleted, renamed)] == [4, 3, 2]
    assert changes(restored) == {
        field: (new, old) for field, (old, new) in changes(deleted).items()
    }


def test_a_revert_shows_what_it_changed(ws, prod):
    ws.stacks.update("prod", description="a mistake")
    ws.stacks.revert("prod", why="it was a mistake")
    assert (latest(ws).action, latest(ws).why) == ("reverted", "it was a mistake")
    assert changes(latest(ws)) == {"description": ("a mistake", None)}


def test_components_have_the_names_they_had_then(ws, prod):
    ws.stacks.update("prod", artifact_store="default")
    ws.components.rename(STORE, "shared", "other")
    ws.components.delete(STORE, "other")
    updated, registered = ws.stacks.history("prod")
    assert changes(updated) == {"artifact_store": ("shared", "default")}
    assert changes(registered)["artifact_store"] == (None, "shared")


def test_a_component_shows_its_attributes_and_labels(ws):
    store(ws, "shared", path="/one")
    ws.components.update(STORE, "shared", {"path": "/two"}, {"disk": "fast"}, why="full")
    ws.components.remove_attributes(STORE, "shared", ["path"])
    removed, updated, registered = ws.components.history(STORE, "shared")
    assert registered.kind == "artifact_store"
    assert changes(registered) == {
        "name": (None, "shared"),
        "flavor": (None, "local"),
        "path": (None, "/one"),
    }
    assert changes(updated) == {"path": ("/one", "/two"), "label disk": (None, "fast")}
    assert changes(removed) == {"path": ("/two", None)}


def test_an_attribute_with_the_name_of_a_field_has_a_prefix(ws):
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "a", "pager", {"to": "x"})
    component = ws._services.repository.load(Component, ws.components.get(ALERTER, "a").id)
    component.update({"name": "ops"})
    ws._services.repository.save(component)
    assert changes(ws.components.history(ALERTER, "a")[0]) == {"configuration.name": (None, "ops")}


@pytest.mark.parametrize("values", [(1, True), (1, 1.0), (0, False), ([1], [True]), ("1", 1)])
def test_values_that_are_equal_only_in_python_are_a_change(ws, values):
    before, after = values
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "a", "pager", {"to": before})
    ws.components.update(ALERTER, "a", {"to": after})
    (change,) = ws.components.history(ALERTER, "a")[0].changes
    assert repr((change.before, change.after)) == repr(values)


def test_an_activation_shows_the_active_stack_before_and_after(ws, prod):
    ws.stacks.activate("prod")
    ws.stacks.rename("prod", "live")
    _, activated = ws.log.entries(limit=2)
    assert (activated.kind, activated.name, activated.action) == (
        "activation",
        "global",
        "activated",
    )
    assert changes(activated) == {"active stack": ("default", "prod")}


def test_a_run_is_shown_by_its_name(ws):
    append(ws, *(event for event in EXAMPLES if type(event) in RUN))
    entries = [*ws.log.entries(kind="run")]
    assert {entry.name for entry in entries} == {"training-1"}
    assert [entry.action for entry in entries] == [
        "step annotated", "completed", "step completed", "started",
    ]  # fmt: skip
    assert [*ws.log.entries(name="training-1")] == entries


# -- a stack's history includes its components'


def test_changes_of_a_component_are_included_while_the_stack_contains_it(ws):
    store(ws, "shared", path="/before")
    ws.components.update(STORE, "shared", {"path": "/before the stack"})
    stack(ws, "prod", artifact_store="shared")
    ws.components.update(STORE, "shared", {"path": "/held"})
    ws.stacks.update("prod", artifact_store="default")
    ws.components.update(STORE, "shared", {"path": "/not held"})
    ws.stacks.update("prod", artifact_store="shared")
    ws.components.rename(STORE, "shared", "common")
    ws.stacks.delete("prod")
    ws.components.update(STORE, "common", {"path": "/after the stack"})
    ws.stacks.restore("prod")
    ws.components.update(STORE, "common", {"path": "/held again"})
    assert summaries(ws.stacks.history("prod")) == [
        "artifact_store common updated",
        "stack prod restored",
        "stack prod deleted",
        "artifact_store common renamed",
        "stack prod updated",
        "stack prod updated",
        "artifact_store shared updated",
        "stack prod registered",
    ]
    held = [entry for entry in ws.stacks.history("prod") if entry.kind == "artifact_store"]
    assert [changes(entry).get("path") for entry in held] == [
        ("/after the stack", "/held again"),
        None,
        ("/before the stack", "/held"),
    ]


def test_changes_of_other_components_are_not_included(ws, prod):
    store(ws, "other", path="/one")
    ws.components.update(STORE, "other", {"path": "/two"})
    assert summaries(ws.stacks.history("prod")) == ["stack prod registered"]


def test_a_revert_with_components_includes_their_changes(ws, prod):
    ws.components.update(STORE, "shared", {"path": "/two"})
    ws.stacks.update("prod", description="x")
    done = ws.stacks.revert("prod", to=1, with_components=True)
    assert summaries(done) == ["artifact_store shared reverted", "stack prod reverted"]
    assert ws.stacks.history("prod", limit=2) == [*reversed(done)]


@pytest.mark.slow
def test_a_page_is_the_begin_of_the_whole_history(ws, prod):
    for number in range(250):
        if number % 3:
            ws.components.update(STORE, "shared", {"path": f"/{number}"})
        else:
            ws.stacks.update("prod", description=str(number))
    whole = ws.stacks.history("prod")
    assert len(whole) == 251
    assert [entry.position for entry in whole] == sorted(
        (entry.position for entry in whole), reverse=True
    )
    for limit in (0, 1, 2, 7, 251, 1000):
        assert ws.stacks.history("prod", limit) == whole[:limit]
    of_component = ws.components.history(STORE, "shared")
    assert ws.components.history(STORE, "shared", 5) == of_component[:5]


# -- whose history


def test_without_a_name_the_history_of_the_active_stack(ws, prod):
    assert summaries(ws.stacks.history()) == ["stack default registered"]
    ws.stacks.activate("prod")
    assert summaries(ws.stacks.history()) == ["stack prod registered"]
    assert summaries(ws.components.history(STORE)) == ["artifact_store shared registered"]
    with rejected(ws, NotInStack, "holds no alerter"):
        ws.components.history(ALERTER)


def test_a_deleted_stack_is_found_by_its_former_names(ws):
    first = stack(ws, "prod")
    ws.stacks.rename("prod", "live")
    ws.stacks.delete("live")
    for reference in ("prod", "live", first.id):
        assert len(ws.stacks.history(reference)) == 3
    store(ws, "größe", path="a")
    ws.components.delete(STORE, "größe")
    assert len(ws.components.history(STORE, "gro\u0308ße")) == 2


def test_an_existing_stack_takes_precedence_over_the_latest_deleted_one(ws):
    ids = []
    for _ in range(2):
        ids.append(stack(ws, "prod").id)
        ws.stacks.delete("prod")
    assert {entry.id for entry in ws.stacks.history("prod")} == {ids[1]}
    ids.append(stack(ws, "prod").id)
    assert {entry.id for entry in ws.stacks.history("prod")} == {ids[2]}


@pytest.mark.parametrize("reference", ["never", "", "a\0b", "%"])
def test_what_never_existed_has_no_history(ws, reference):
    with rejected(ws, NotFound, "there is no stack .*there never was one"):
        ws.stacks.history(reference)
    with rejected(ws, NotFound, "there is no alerter .*there never was one"):
        ws.components.history(ALERTER, reference)


# -- long histories


@pytest.mark.slow
def test_a_long_history_replays_from_a_snapshot_to_the_same(ws):
    """Every revision of 230, loaded with and without the help of the read models."""
    stack(ws, "prod")
    store(ws, "shared", path="/0")
    for number in range(1, 230):
        ws.components.update(STORE, "shared", {"path": f"/{number}"}, {"n": str(number)})
        ws.stacks.update("prod", description=str(number), labels={f"l{number % 3}": str(number)})
    ws.stacks.delete("prod")
    ws.stacks.restore("prod")
    repository = ws._services.repository
    for kind, id, last in (
        (Component, ws.components.get(STORE, "shared").id, 230),
        (Stack, ws.stacks.get("prod").id, 232),
    ):
        replayed = None
        for event in repository._events(id):
            replayed = event.mutate(replayed)
            loaded = repository.load(kind, id, replayed.version)
            assert (loaded.version, loaded.deleted) == (replayed.version, replayed.deleted)
            assert (loaded.name, loaded.state) == (replayed.name, replayed.state)
        assert replayed.version == last
        with rejected(ws, NotFound, f"revision {last + 1}"):
            repository.load(kind, id, last + 1)
