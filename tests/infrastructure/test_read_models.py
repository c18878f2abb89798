"""The read models, now and at any position."""

from uuid import UUID

import pytest
from replay import assert_consistent
from workspaces import OPERATOR, STORE, names, position, stack, store

from stackfold.application.stacks.activations import Activations
from stackfold.domain.errors import AsOfOutOfRange, NotFound, NotInStack
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.queries.scope import Scope
from stackfold.infrastructure.queries.stacks import SqlQueries
from stackfold.infrastructure.workspace import Workspace


def at(ws, asked, **scope):
    return SqlQueries(ws._database, lambda: Scope(**scope)).active_stack(asked).name


# -- now


def test_first_use_leaves_one_stack_of_two_components(ws):
    (stack,) = ws.stacks.list()
    assert (stack.name, stack.revision, stack.active) == ("default", 1, True)
    assert stack.components == {"orchestrator": ["default"], "artifact_store": ["default"]}
    for type in ComponentType:
        assert names(ws.components.list(type)) == (["default"] if type.required else [])
    (component,) = ws.components.list(STORE)
    assert (component.type, component.flavor, component.stacks) == (
        "artifact_store",
        "local",
        ["default"],
    )


def test_a_stack_is_shown_with_its_components(ws):
    for name in ("b", "a"):
        ws.components.register(OPERATOR, name, "local")
    stack(ws, "prod", step_operator=["b", "a"], description="For real", labels={"team": "vision"})
    view = ws.stacks.get("prod")
    assert list(view.components) == ["orchestrator", "artifact_store", "step_operator"]
    assert view.components["step_operator"] == ["b", "a"]
    assert (view.description, view.labels) == ("For real", {"team": "vision"})
    assert view.active is False


def test_a_revision_counts_the_changes_of_one_aggregate(ws):
    store(ws, "shared", path="a")
    assert ws.components.update(STORE, "shared", {"path": "b"}).revision == 2
    store(ws, "other", path="a")
    assert ws.components.rename(STORE, "shared", "common").revision == 3
    assert ws.components.get(STORE, "other").revision == 1


def test_times_and_author_are_those_of_the_revision(ws, monkeypatch):
    first = store(ws, "shared", path="a")
    second = ws.components.update(STORE, "shared", {"path": "b"})
    assert first.created == first.updated == second.created
    assert second.updated > first.updated
    assert first.by == ws.stacks.get("default").by != ""


def test_a_renamed_component_shows_under_its_new_name_everywhere(ws):
    store(ws, "shared")
    stack(ws, "prod", artifact_store="shared")
    before = position(ws)
    ws.components.rename(STORE, "shared", "common")
    assert ws.stacks.get("prod").components["artifact_store"] == ["common"]
    assert ws.components.get(STORE, "common").stacks == ["prod"]
    assert ws.stacks.get("prod", as_of=before).components["artifact_store"] == ["shared"]


def test_a_deleted_component_is_not_found(ws):
    store(ws, "shared")
    before = position(ws)
    ws.components.delete(STORE, "shared")
    assert names(ws.components.list(STORE)) == ["default"]
    with pytest.raises(NotFound, match="there is no artifact store 'shared': there is default"):
        ws.components.get(STORE, "shared")
    assert ws.components.get(STORE, "shared", as_of=before).name == "shared"


# -- at a position


def test_every_position_shows_the_state_then(ws):
    store(ws, "one", path="a")  # 5
    ws.components.update(STORE, "one", {"path": "b"})  # 6
    stack(ws, "prod", artifact_store="one")  # 7
    ws.components.rename(STORE, "one", "two")  # 8
    ws.stacks.activate("prod")  # 9
    ws.stacks.rename("prod", "live")  # 10
    ws.stacks.activate("default")  # 11
    ws.stacks.delete("live")  # 12
    ws.components.delete(STORE, "two")  # 13
    assert position(ws) == 13

    def then(asked):
        stores = [
            (each.name, each.revision, each.configuration.get("path"), each.stacks)
            for each in ws.components.list(STORE, as_of=asked)
            if each.name != "default"
        ]
        stacks = [
            (each.name, each.revision, each.active, each.components["artifact_store"])
            for each in ws.stacks.list(as_of=asked)
        ]
        return stores, stacks

    plain, inactive = ("default", 1, True, ["default"]), ("default", 1, False, ["default"])
    assert {asked: then(asked) for asked in range(3, 14)} == {
        3: ([], [("default", 1, False, ["default"])]),
        4: ([], [plain]),
        5: ([("one", 1, "a", [])], [plain]),
        6: ([("one", 2, "b", [])], [plain]),
        7: ([("one", 2, "b", ["prod"])], [plain, ("prod", 1, False, ["one"])]),
        8: ([("two", 3, "b", ["prod"])], [plain, ("prod", 1, False, ["two"])]),
        9: ([("two", 3, "b", ["prod"])], [inactive, ("prod", 1, True, ["two"])]),
        10: ([("two", 3, "b", ["live"])], [inactive, ("live", 2, True, ["two"])]),
        11: ([("two", 3, "b", ["live"])], [plain, ("live", 2, False, ["two"])]),
        12: ([("two", 3, "b", [])], [plain]),
        13: ([], [plain]),
    }
    assert ws.stacks.list(as_of=1) == ws.stacks.list(as_of=2) == []
    assert ws.stacks.list(as_of=13) == ws.stacks.list()


def test_nothing_was_active_before_the_first_activation(ws):
    for asked in (1, 2, 3):
        with pytest.raises(NotFound, match="none was active yet"):
            ws.stacks.get(as_of=asked)
    assert ws.stacks.get(as_of=4).name == "default"


@pytest.mark.parametrize("asked", [0, -1, 5, 10**30])
def test_a_position_outside_of_the_log_is_rejected(ws, asked):
    with pytest.raises(AsOfOutOfRange):
        ws.stacks.list(as_of=asked)


# -- names that are used again


def test_a_name_is_used_again_after_deletion_and_after_renaming(ws):
    first = store(ws, "shared", path="1")
    ws.components.delete(STORE, "shared")
    second = store(ws, "shared", path="2")
    ws.components.rename(STORE, "shared", "other-name")
    third = store(ws, "shared", path="3")
    assert len({first.id, second.id, third.id}) == 3
    shown = [
        [
            (view.id, view.configuration["path"])
            for view in ws.components.list(STORE, as_of=asked)
            if view.name == "shared"
        ]
        for asked in range(5, 10)
    ]
    assert shown == [[(first.id, "1")], [], [(second.id, "2")], [], [(third.id, "3")]]
    assert ws.components.get(STORE, "other-name").id == second.id
    assert_consistent(ws)


def test_names_are_unique_per_type_only(ws):
    ws.components.register(OPERATOR, "default", "local")
    assert ws.components.get(OPERATOR, "default").type == "step_operator"
    assert ws.components.get(STORE, "default").type == "artifact_store"


# -- which stack is active


def test_the_environment_overrides_the_project_which_overrides_the_global_stack(ws):
    for name in ("everywhere", "here", "asked-for"):
        stack(ws, name)
    ws.stacks.activate("everywhere")
    before = position(ws)
    activate_in(ws, "project:x", "here")
    assert at(ws, None) == "everywhere"
    assert at(ws, None, project="project:x") == "here"
    assert at(ws, None, project="project:y") == "everywhere"
    assert at(ws, None, project="project:x", override="asked-for") == "asked-for"
    assert at(ws, None, override=ws.stacks.get("asked-for").id) == "asked-for"
    assert at(ws, before, project="project:x") == "everywhere"


def test_exactly_the_active_stack_is_marked(ws):
    for name in ("here", "asked-for"):
        stack(ws, name)
    activate_in(ws, "project:x", "here")

    def marked(**scope):
        queries = SqlQueries(ws._database, lambda: Scope(**scope))
        assert names(queries.stacks()) == ["asked-for", "default", "here"]
        return [view.name for view in queries.stacks() if view.active]

    assert marked() == ["default"]
    assert marked(project="project:x") == ["here"]
    assert marked(override="asked-for") == ["asked-for"]


def test_a_list_is_shown_even_if_the_environment_names_no_stack(ws):
    queries = SqlQueries(ws._database, lambda: Scope(override="nope"))
    assert [(view.name, view.active) for view in queries.stacks()] == [("default", False)]
    with pytest.raises(NotFound, match="there is no stack 'nope'"):
        queries.active_stack()


def test_without_a_name_the_active_stacks_component_is_meant(ws):
    store(ws, "shared")
    stack(ws, "prod", artifact_store="shared")
    ws.stacks.activate("prod")
    assert ws.components.get(STORE).name == "shared"
    assert ws.components.get(STORE, as_of=4).name == "default"
    with pytest.raises(NotInStack, match="stack 'prod' holds no step operator"):
        ws.components.get(OPERATOR)


def activate_in(ws, scope, name):
    activations = Activations(ws._services.repository, ws._services.queries, scope)
    ws._services.repository.attempt(lambda: [activations.choose(UUID(ws.stacks.get(name).id))])


# -- during concurrent changes


@pytest.mark.parametrize(
    "question",
    [
        lambda ws: ws.stacks.list(),
        lambda ws: ws.stacks.get("prod"),
        lambda ws: ws.stacks.get(),
        lambda ws: ws.components.list(STORE),
        lambda ws: ws.components.get(STORE, "shared"),
    ],
)
def test_a_query_reads_one_state_despite_concurrent_changes(tmp_path, monkeypatch, question):
    def change(other):
        other.stacks.update("prod", artifact_store="default")
        other.components.delete(STORE, "shared")
        other.stacks.activate("default")
        other.stacks.delete("prod")

    with Workspace.open(tmp_path) as ws, Workspace.open(tmp_path) as other:
        store(ws, "shared")
        stack(ws, "prod", artifact_store="shared", activate=True)
        before = question(ws)
        read = ws._database.read

        def read_and_be_overtaken(*arguments):
            rows = read(*arguments)
            monkeypatch.undo()
            change(other)
            return rows

        monkeypatch.setattr(ws._database, "read", read_and_be_overtaken)
        assert question(ws) == before
        assert names(ws.stacks.list()) == ["default"]
