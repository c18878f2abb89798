"""Diffs of stacks: components and resolved configuration, field by field."""

import pytest
from history.homes import ALERTER, rejected
from workspaces import OPERATOR, STORE, stack, store

from stackfold.domain.errors import DidNotExistAt, NoSuchRevision, NotFound


@pytest.fixture
def prod(ws):
    """At position 8: `prod` on `shared` with two operators."""
    store(ws, "shared", path="/one")
    for name in ("a", "b"):
        ws.components.register(OPERATOR, name, "local")
    return stack(ws, "prod", artifact_store="shared", step_operator=["a", "b"])


def diff(ws, *stacks, **how):
    return {
        change.field: (change.before, change.after) for change in ws.stacks.diff(*stacks, **how)
    }


# -- a stack alone


def test_a_stack_alone_is_compared_with_itself_before_the_last_change(ws, prod):
    ws.stacks.update("prod", description="x")
    ws.stacks.update("prod", artifact_store="default", labels={"team": "vision"})
    assert diff(ws, "prod") == {
        "label team": (None, "vision"),
        "artifact_store": ("shared", "default"),
        "artifact_store.path": ("/one", "artifacts"),
    }


def test_the_last_change_may_be_one_of_a_component(ws, prod):
    ws.components.update(STORE, "shared", {"path": "/two"})
    assert diff(ws, "prod") == {"artifact_store.path": ("/one", "/two")}
    ws.components.remove_attributes(STORE, "shared", ["path"])
    assert diff(ws, "prod") == {"artifact_store.path": ("/two", "artifacts")}


def test_a_change_of_several_aggregates_is_shown_as_one(ws, prod):
    ws.components.update(STORE, "shared", {"path": "/two"})
    ws.stacks.update("prod", description="x")
    ws.stacks.revert("prod", to=1, with_components=True)
    assert diff(ws, "prod") == {
        "description": ("x", None),
        "artifact_store.path": ("/two", "/one"),
    }


def test_a_new_name_is_a_change(ws, prod):
    ws.stacks.rename("prod", "live")
    assert diff(ws, "live") == {"name": ("prod", "live")}
    ws.components.rename(STORE, "shared", "common")
    assert diff(ws, "live") == {"artifact_store": ("shared", "common")}


def test_a_new_stack_is_compared_with_nothing(ws, prod):
    found = diff(ws, "prod")
    assert {before for before, _ in found.values()} == {None}
    assert {field: after for field, (_, after) in found.items() if "." not in field} == {
        "name": "prod",
        "orchestrator": "default",
        "artifact_store": "shared",
        "step_operator": "a, b",
    }
    assert found["artifact_store.path"] == (None, "/one")
    assert found["step_operator[b].flavor"] == (None, "local")


def test_a_deleted_stack_can_still_be_compared(ws, prod):
    ws.stacks.update("prod", description="x")
    ws.stacks.delete("prod")
    assert diff(ws, "prod", revisions=(1, 2)) == {"description": (None, "x")}
    assert diff(ws, "prod")["artifact_store.path"] == ("/one", None)


def test_without_a_name_the_active_stack(ws, prod):
    ws.stacks.activate("prod")
    ws.stacks.update("prod", description="x")
    assert diff(ws) == {"description": (None, "x")}


def test_concurrent_changes_are_no_differences(ws, prod):
    before = ws.log.head().position
    store(ws, "new", path="/new")
    stack(ws, "new")
    assert diff(ws, "prod", as_of=(before, None)) == {}


# -- points and revisions


def test_two_revisions_include_everything_in_between(ws, prod):
    ws.stacks.update("prod", description="two")
    ws.components.update(STORE, "shared", {"path": "/two"})
    ws.stacks.update("prod", description="three")
    ws.components.update(STORE, "shared", {"path": "/three"})
    assert diff(ws, "prod", revisions=(1, 2)) == {"description": (None, "two")}
    assert diff(ws, "prod", revisions=(2, 3)) == {
        "description": ("two", "three"),
        "artifact_store.path": ("/one", "/two"),
    }
    assert diff(ws, "prod", revisions=(3, None)) == {"artifact_store.path": ("/two", "/three")}
    assert diff(ws, "prod", revisions=(3, 1)) == {
        "description": ("three", None),
        "artifact_store.path": ("/two", "/one"),
    }


def test_points_in_the_past(ws, prod):
    before = ws.log.head().position
    ws.stacks.update("prod", description="x")
    after = ws.log.head().position
    ws.stacks.update("prod", description="y")
    assert diff(ws, "prod", as_of=(before, f"#{after}")) == {"description": (None, "x")}
    assert diff(ws, "prod", as_of=(after, None)) == {"description": ("x", "y")}


def test_a_default_of_several_components_that_changed(ws, prod):
    ws.stacks.set_default("prod", {OPERATOR: "b"})
    assert diff(ws, "prod") == {"step_operator": ("a, b", "b, a")}


@pytest.mark.parametrize("values", [(1, True), (1, 1.0), ("1", 1)])
def test_values_that_are_equal_only_in_python_differ(ws, values):
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "pager", "pager", {"to": values[0]})
    stack(ws, "prod", alerter="pager")
    ws.components.update(ALERTER, "pager", {"to": values[1]})
    assert repr(diff(ws, "prod")) == repr({"alerter[pager].to": values})


def test_a_deleted_flavor_is_no_obstacle(ws):
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "pager", "pager", {"to": "ops"})
    stack(ws, "prod", alerter="pager")
    ws.stacks.delete("prod", recursive=True)
    ws.flavors.delete(ALERTER, "pager")
    assert diff(ws, "prod")["alerter[pager].to"] == ("ops", None)


# -- two stacks


def test_two_stacks_are_compared_by_their_components(ws, prod):
    store(ws, "elsewhere", path="/else")
    stack(ws, "staging", artifact_store="elsewhere", step_operator="b", description="to try")
    assert diff(ws, "prod", "staging") == {
        "description": (None, "to try"),
        "artifact_store": ("shared", "elsewhere"),
        "artifact_store.path": ("/one", "/else"),
        "step_operator": ("a, b", "b"),
        "step_operator[a].flavor": ("local", None),
    }


def test_a_copy_does_not_differ_at_first(ws, prod):
    ws.stacks.copy("prod", "copy")
    assert diff(ws, "prod", "copy") == {}
    then = ws.log.head().position
    ws.stacks.update("prod", description="x")
    assert diff(ws, "copy", "prod") == {"description": (None, "x")}
    assert diff(ws, "copy", "prod", as_of=(None, then)) == {}


# -- what is rejected


def test_what_never_existed_cannot_be_compared(ws, prod):
    with rejected(ws, NotFound, "there is no stack 'never': there never was one"):
        ws.stacks.diff("never")
    with rejected(ws, NotFound, "there is no stack 'never'"):
        ws.stacks.diff("prod", "never")
    for revisions in ((1, 2), (0, 1), (9, None)):
        with rejected(ws, NoSuchRevision, "stack 'prod' has no revision"):
            ws.stacks.diff("prod", revisions=revisions)


def test_both_stacks_must_have_existed(ws, prod):
    stack(ws, "staging")
    with rejected(ws, DidNotExistAt, "stack 'staging' did not exist as of #8"):
        ws.stacks.diff("prod", "staging", as_of=(None, 8))
    ws.stacks.delete("staging")
    with rejected(ws, DidNotExistAt, "stack 'staging' no longer exists"):
        ws.stacks.diff("prod", "staging")
