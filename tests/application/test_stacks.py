"""Stacks: one method per verb."""

import pytest
from replay import assert_consistent, records_of
from workspaces import OPERATOR, ORCHESTRATOR, STORE, concurrently, names, stack, store

from stackfold.domain.errors import (
    Ambiguous,
    ConcurrentModification,
    IncompleteStack,
    Invalid,
    InvalidName,
    NameTaken,
    NotFound,
    NothingToChange,
    NotInStack,
    Protected,
    StackActive,
    StackfoldError,
)
from stackfold.domain.stacks.component_type import ComponentType

REGISTRY = ComponentType.CONTAINER_REGISTRY


@pytest.fixture(autouse=True)
def parts(ws):
    for name in ("batch", "spark"):
        ws.components.register(OPERATOR, name, "local")
    store(ws, "shared", path="/data")


@pytest.fixture
def refused(ws):
    """Whatever raises: one line, and nothing recorded."""

    def refused(error, text, command, *arguments, **more):
        before = records_of(ws._database)
        with pytest.raises(error, match=text) as refusal:
            command(*arguments, **more)
        assert isinstance(refusal.value, StackfoldError)
        assert "\n" not in str(refusal.value)
        assert records_of(ws._database) == before

    return refused


def topics(ws, last):
    return [record.topic for record in records_of(ws._database)[-last:]]


def operators(ws, name):
    return ws.stacks.get(name).components.get("step_operator")


# -- register


def test_a_stack_is_registered(ws):
    view = ws.stacks.register(
        "prod",
        orchestrator="default",
        artifact_store="shared",
        step_operator=["spark", "batch"],
        description="For real",
        labels={"team": "vision"},
    )
    assert view == ws.stacks.get("prod")
    assert view.components == {
        "orchestrator": ["default"],
        "artifact_store": ["shared"],
        "step_operator": ["spark", "batch"],
    }
    assert (view.revision, view.active, view.description) == (1, False, "For real")


def test_components_are_given_by_prefix_or_id_too(ws):
    id = ws.components.get(STORE, "shared").id
    assert stack(ws, "a", artifact_store="sha").components["artifact_store"] == ["shared"]
    assert stack(ws, "b", artifact_store=id).components["artifact_store"] == ["shared"]


def test_a_stack_can_be_active_from_the_start_in_one_change(ws):
    view = stack(ws, "prod", activate=True)
    assert view.active
    assert topics(ws, 2) == ["stack.registered", "activation.activated"]
    first, second = records_of(ws._database)[-2:]
    assert first.change == second.change == first.position


def test_what_cannot_be_registered(ws, refused):
    register, needed = ws.stacks.register, {"orchestrator": "default", "artifact_store": "default"}
    refused(InvalidName, "'a/b' cannot name a stack", register, "a/b", **needed)
    refused(NameTaken, "a stack named 'default' exists", register, "default", **needed)
    refused(NameTaken, "'default'", register, "default", **needed, activate=True)
    refused(IncompleteStack, "needs an artifact store", register, "a", orchestrator="default")
    refused(IncompleteStack, "needs an orchestrator and an artifact store", register, "a")
    refused(NotFound, "there is no artifact store 'nope'", register, "a",
            orchestrator="default", artifact_store="nope")  # fmt: skip
    refused(Invalid, "one artifact store only", register, "a",
            orchestrator="default", artifact_store=["default", "shared"])  # fmt: skip
    store(ws, "shore")
    refused(Ambiguous, "fits more than one artifact store: shared, shore", register, "a",
            orchestrator="default", artifact_store="sh")  # fmt: skip


# -- update


def test_given_types_are_replaced_and_others_kept(ws):
    stack(ws, "prod", step_operator=["batch"], labels={"team": "vision"})
    view = ws.stacks.update("prod", artifact_store="shared", labels={"tier": "1"})
    assert view.components["artifact_store"] == ["shared"]
    assert view.components["step_operator"] == ["batch"]
    assert (view.revision, view.labels) == (2, {"team": "vision", "tier": "1"})
    assert ws.stacks.update("prod", step_operator="spark").components["step_operator"] == ["spark"]


def test_what_may_be_several_can_be_added(ws, refused):
    stack(ws, "prod", step_operator="batch")
    ws.stacks.update("prod", step_operator="spark", artifact_store="shared", add=True)
    assert operators(ws, "prod") == ["batch", "spark"]
    assert ws.stacks.get("prod").components["artifact_store"] == ["shared"], "one is replaced"
    refused(NothingToChange, "unchanged", ws.stacks.update, "prod", step_operator="batch", add=True)


def test_without_a_name_the_active_stack_is_updated(ws):
    stack(ws, "prod", activate=True)
    assert ws.stacks.update(description="x").name == "prod"


def test_what_cannot_be_updated(ws, refused):
    stack(ws, "prod")
    refused(Protected, "the stack 'default' cannot be updated: copy it", ws.stacks.update,
            "default", description="x")  # fmt: skip
    refused(NotFound, "there is no stack 'nope'", ws.stacks.update, "nope", description="x")
    refused(NothingToChange, "stack 'prod' unchanged, revision 1", ws.stacks.update, "prod")
    refused(NotFound, "no step operator 'x'", ws.stacks.update, "prod", step_operator="x")


# -- remove components, set default


def test_one_of_several_or_all_of_a_type_are_removed(ws, refused):
    stack(ws, "prod", step_operator=["batch", "spark"])
    assert ws.stacks.remove_components("prod", {OPERATOR: "batch"}).revision == 2
    assert operators(ws, "prod") == ["spark"]
    ws.stacks.remove_components("prod", {OPERATOR: []})
    assert operators(ws, "prod") is None
    remove = ws.stacks.remove_components
    refused(NotInStack, "stack 'prod' holds no step operator", remove, "prod", {OPERATOR: []})
    refused(NotInStack, "no step operator 'batch'", remove, "prod", {OPERATOR: "batch"})
    refused(NotFound, "no step operator 'nope'", remove, "prod", {OPERATOR: "nope"})
    refused(IncompleteStack, "needs an orchestrator", remove, "prod", {ORCHESTRATOR: []})
    refused(NotInStack, "no container registry", remove, "prod", {REGISTRY: []})
    refused(Protected, "cannot be updated", remove, "default", {ORCHESTRATOR: []})


def test_the_component_to_use_is_chosen_among_several(ws, refused):
    stack(ws, "prod", step_operator=["batch", "spark"])
    assert ws.stacks.set_default("prod", {OPERATOR: "spark"}).revision == 2
    assert operators(ws, "prod") == ["spark", "batch"]
    choose = ws.stacks.set_default
    refused(NothingToChange, "unchanged, revision 2", choose, "prod", {OPERATOR: "spark"})
    refused(NotInStack, "no artifact store 'shared'", choose, "prod", {STORE: "shared"})


# -- rename, copy, delete, activate


def test_a_stack_is_renamed_and_stays_active(ws, refused):
    stack(ws, "prod", activate=True)
    assert ws.stacks.rename("prod", "live").active
    assert ws.stacks.get().name == "live"
    refused(NameTaken, "'default'", ws.stacks.rename, "live", "default")
    refused(Protected, "cannot be renamed", ws.stacks.rename, "default", "other")
    refused(InvalidName, "' '", ws.stacks.rename, "live", " ")


def test_a_copy_is_like_the_original_labels_and_all(ws, refused):
    original = stack(
        ws, "prod", step_operator=["spark", "batch"], description="x", labels={"a": "b"}
    )
    copy = ws.stacks.copy("prod", "dev")
    assert copy._replace(id="", name="", created="", updated="") == original._replace(
        id="", name="", created="", updated=""
    )
    ws.stacks.update("dev", artifact_store="shared")
    assert ws.stacks.get("prod").components["artifact_store"] == ["default"]
    assert names([ws.stacks.copy(None, "mine")]) == ["mine"]
    refused(NameTaken, "'dev'", ws.stacks.copy, "prod", "dev")


def test_an_active_stack_and_the_default_one_cannot_be_deleted(ws, refused):
    stack(ws, "prod", activate=True)
    refused(StackActive, "stack 'prod' is active: activate another", ws.stacks.delete, "prod")
    ws.stacks.activate("default")
    assert ws.stacks.delete("prod").name == "prod"
    refused(NotFound, "there is no stack 'prod'", ws.stacks.delete, "prod")
    refused(Protected, "cannot be deleted", ws.stacks.delete, "default")


def test_with_a_stack_go_the_components_that_no_other_stack_holds(ws):
    stack(ws, "prod", artifact_store="shared", step_operator=["batch", "spark"])
    stack(ws, "dev", step_operator="spark")
    ws.stacks.delete("prod", recursive=True)
    assert names(ws.components.list(STORE)) == ["default"]
    assert names(ws.components.list(OPERATOR)) == ["spark"]
    assert names(ws.components.list(ORCHESTRATOR)) == ["default"]
    assert_consistent(ws)


def test_a_refused_deletion_keeps_the_components_too(ws, refused):
    stack(ws, "prod", artifact_store="shared", activate=True)
    refused(StackActive, "active", ws.stacks.delete, "prod", recursive=True)
    assert names(ws.components.list(STORE)) == ["default", "shared"]


def test_a_stack_is_activated(ws, refused):
    stack(ws, "prod")
    assert ws.stacks.activate("pr").active
    assert names(view for view in ws.stacks.list() if view.active) == ["prod"]
    refused(NothingToChange, "stack 'prod' is active already", ws.stacks.activate, "prod")
    refused(NotFound, "there is no stack 'nope'", ws.stacks.activate, "nope")


# -- races, played by hand


def test_changes_of_different_types_both_stand(ws):
    stack(ws, "prod")
    concurrently(ws, lambda: ws.stacks.update("prod", step_operator="batch", labels={"a": "b"}))
    view = ws.stacks.update("prod", artifact_store="shared")
    assert (view.revision, view.labels) == (3, {"a": "b"})
    assert view.components["artifact_store"] == ["shared"]
    assert view.components["step_operator"] == ["batch"]


def test_of_two_changes_of_one_type_the_second_is_refused(ws):
    stack(ws, "prod")
    concurrently(ws, lambda: ws.stacks.update("prod", step_operator="batch"))
    with pytest.raises(ConcurrentModification, match="step_operator, now revision 2"):
        ws.stacks.update("prod", step_operator="spark")
    assert operators(ws, "prod") == ["batch"]


def test_a_component_deleted_meanwhile_does_not_get_into_a_stack(ws):
    stack(ws, "prod")
    concurrently(ws, lambda: ws.components.delete(OPERATOR, "batch"))
    with pytest.raises(NotFound, match=r"there is no step operator .* deleted concurrently"):
        ws.stacks.update("prod", step_operator=["batch"])
    assert_consistent(ws)


def test_a_stack_deleted_meanwhile_is_not_activated(ws):
    stack(ws, "prod")
    concurrently(ws, lambda: ws.stacks.delete("prod"))
    with pytest.raises(NotFound, match=r"there is no stack .* deleted concurrently"):
        ws.stacks.activate("prod")
    assert ws.stacks.get().name == "default"


def test_of_two_activations_the_last_one_counts_and_both_are_recorded(ws):
    stack(ws, "prod")
    stack(ws, "dev")
    concurrently(ws, lambda: ws.stacks.activate("dev"))
    ws.stacks.activate("prod")
    assert ws.stacks.get().name == "prod"
    assert topics(ws, 2) == ["activation.activated"] * 2
    assert_consistent(ws)
