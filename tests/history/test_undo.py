"""Undo reverses the last change of any kind; a second undo the change before it."""

import pytest
from event_examples import EXAMPLES
from history.homes import ALERTER, RUN, append, rejected, summaries, tables
from workspaces import OPERATOR, STORE, stack, store

from stackfold.domain.errors import NotFound, NothingToUndo
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.queries.scope import Scope
from stackfold.infrastructure.workspace import Workspace

PAGER = "history.own_flavors.Pager"


@pytest.fixture
def ws(ws):
    """Some of everything."""
    ws.flavors.register(ALERTER, PAGER)
    ws.components.register(ALERTER, "pager", "pager", {"to": "ops"}, {"a": "b"})
    store(ws, "shared", path="/one")
    store(ws, "free", path="/free")
    for name in ("a", "b"):
        ws.components.register(OPERATOR, name, "local")
    stack(ws, "prod", artifact_store="shared", step_operator=["a", "b"], labels={"team": "vision"})
    stack(ws, "other", description="x")
    stack(ws, "gone")
    ws.stacks.delete("gone")
    ws.components.register(OPERATOR, "gone", "local")
    ws.components.delete(OPERATOR, "gone")
    ws.stacks.activate("prod")
    return ws


def there(ws):
    """The current state, without revisions."""
    views = [*ws.stacks.list()]
    for type in ComponentType:
        views += ws.components.list(type)
    own = [flavor.name for flavor in ws.flavors.list(ALERTER)]
    return [view._replace(revision=0, updated="", by="") for view in views], own


CHANGES = {
    "a component is registered": lambda ws: store(ws, "new", path="x"),
    "a component is updated": lambda ws: ws.components.update(STORE, "shared", {"path": "/two"}),
    "a label is removed": lambda ws: ws.components.update(ALERTER, "pager", {}, {"a": None}),
    "an attribute is removed": lambda ws: ws.components.remove_attributes(ALERTER, "pager", ["to"]),
    "a component is renamed": lambda ws: ws.components.rename(STORE, "shared", "common"),
    "a component is copied": lambda ws: ws.components.copy(STORE, "shared", "copy"),
    "a component is deleted": lambda ws: ws.components.delete(STORE, "free"),
    "a component is restored": lambda ws: ws.components.restore(OPERATOR, "gone"),
    "a flavor is registered": lambda ws: ws.flavors.register(ALERTER, "history.own_flavors.Siren"),
    "a stack is registered": lambda ws: stack(ws, "new"),
    "a stack is registered and activated": lambda ws: stack(ws, "new", activate=True),
    "a stack is updated": lambda ws: ws.stacks.update("prod", artifact_store="free"),
    "a component is added": lambda ws: ws.stacks.update("other", step_operator="a", add=True),
    "a component is taken out": lambda ws: ws.stacks.remove_components("prod", {OPERATOR: ["a"]}),
    "another component is the default": lambda ws: ws.stacks.set_default("prod", {OPERATOR: "b"}),
    "a stack is renamed": lambda ws: ws.stacks.rename("prod", "live"),
    "a stack is copied": lambda ws: ws.stacks.copy("prod", "copy"),
    "a stack is imported": lambda ws: ws.stacks.import_stack(
        {
            "stack_name": "imported",
            "components": {
                "orchestrator": [{"name": "o", "type": "orchestrator", "flavor": "local"}],
                "artifact_store": [{"name": "s", "type": "artifact_store", "flavor": "local"}],
            },
        }
    ),
    "a stack is deleted": lambda ws: ws.stacks.delete("other"),
    "a stack is restored": lambda ws: ws.stacks.restore("gone"),
    "a stack is reverted": lambda ws: (
        ws.stacks.update("prod", description="x"),
        ws.stacks.revert("prod", to=1),
    ),
    "a stack is activated": lambda ws: ws.stacks.activate("other"),
    "the stack before is activated": lambda ws: ws.stacks.activate("-"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_kind_of_change_is_undone(ws, change):
    before, position = there(ws), ws.log.head().position
    change(ws)
    commands = len({event.change for event in ws.log.events(after=position)})
    assert there(ws) != before or commands == 2
    for _ in range(commands):
        ws.undo()
    assert there(ws) == before
    assert ws.log.verify().intact


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_second_undo_undoes_the_change_before(ws, change):
    ws.stacks.update("prod", description="before")
    position = ws.log.head().position
    change(ws)
    for _ in {event.change for event in ws.log.events(after=position)}:
        ws.undo()
    assert ws.stacks.get("prod").description == "before"
    ws.undo()
    assert ws.stacks.get("prod").description == ""


def test_a_deletion_with_components_is_undone_as_a_whole(ws):
    ws.stacks.activate("default")
    before = there(ws)
    ws.stacks.delete("prod", recursive=True)
    done = ws.undo(why="a slip")
    assert summaries(done) == [
        "step_operator b restored",
        "step_operator a restored",
        "artifact_store shared restored",
        "stack prod restored",
    ]
    assert {entry.why for entry in done} == {"a slip"}
    assert {entry.change for entry in done} == {done[0].position}
    assert there(ws) == before


def test_the_deletion_of_a_flavor_is_undone(ws):
    ws.flavors.register(ALERTER, "history.own_flavors.Siren")
    before = there(ws)
    ws.flavors.delete(ALERTER, "siren")
    ws.undo()
    assert there(ws) == before


def test_several_defaults_set_at_once_are_one_change(ws):
    ws.components.register(ALERTER, "second", "pager")
    ws.stacks.update("prod", alerter=["pager", "second"])
    before = there(ws)
    ws.stacks.set_default("prod", {OPERATOR: "b", ALERTER: "second"})
    (entry,) = ws.undo()
    assert summaries([entry]) == ["stack prod reverted"]
    assert there(ws) == before


def test_the_change_of_an_undo_names_the_undone_change(ws):
    ws.stacks.rename("prod", "live")
    taken_back = ws.log.head().position
    ws.undo()
    *_, event = ws.log.events()
    assert event.data["undoes"] == taken_back
    assert event.topic == "stack.reverted"


def test_undone_changes_and_undos_are_not_undone_again(ws):
    for description in ("one", "two", "three"):
        ws.stacks.update("prod", description=description)
    ws.undo()
    ws.undo()
    ws.stacks.update("prod", description="four")
    ws.undo()
    assert ws.stacks.get("prod").description == "one"
    ws.undo()
    assert ws.stacks.get("prod").description == ""


def test_undo_ends_at_the_first_use():
    with Workspace.in_memory() as ws:
        first_use = there(ws)
        stack(ws, "prod", activate=True)
        store(ws, "shared", path="/one")
        ws.stacks.update("prod", artifact_store="shared")
        for _ in range(3):
            ws.undo()
        assert there(ws) == first_use
        with rejected(ws, NothingToUndo, "there is no change left to undo"):
            ws.undo()


@pytest.mark.slow
def test_many_changes_are_undone_in_order(ws):
    before = there(ws)
    for number in range(300):
        ws.stacks.update("prod", description=str(number))
    for _ in range(300):
        ws.undo()
    assert there(ws) == before


def test_runs_are_not_undone(ws):
    before = there(ws)
    ws.stacks.update("prod", description="x")
    append(ws, *(event for event in EXAMPLES if type(event) in RUN))
    ws.undo()
    assert there(ws) == before
    assert len(ws.runs.list()) == 1


def test_a_dry_run_undoes_nothing(ws):
    ws.stacks.update("prod", description="x")
    before = tables(ws)
    shown = ws.undo(dry_run=True)
    assert tables(ws) == before
    assert summaries(shown) == summaries(ws.undo()) == ["stack prod reverted"]


# -- inside of a project


@pytest.fixture
def project(ws):
    """The same log, seen from inside of a project that chose `other` for itself."""
    inside = Workspace(ws._database, ws.home, lambda: Scope(project="project:p"))
    inside.stacks.activate("other")
    return inside


def test_an_activation_in_a_project_is_undone(ws, project):
    project.stacks.activate("default")
    project.undo()
    assert (project.stacks.get().name, ws.stacks.get().name) == ("other", "prod")


def test_undoing_the_first_activation_in_a_project_makes_the_global_stack_active(ws, project):
    (entry,) = project.undo()
    assert (entry.name, entry.action) == ("project:p", "deleted")
    assert project.stacks.get().name == "prod"
    ws.stacks.activate("default")
    assert project.stacks.get().name == "default"
    project.stacks.activate("other")
    assert (project.stacks.get().name, ws.stacks.get().name) == ("other", "default")


def test_undo_undoes_the_last_change_of_any_scope(ws, project):
    ws.undo()
    assert project.stacks.get().name == "prod"


def test_the_previous_stack_is_that_of_the_scope(ws, project):
    with rejected(project, NotFound, "no stack was active before this one"):
        project.stacks.activate("-")
    project.stacks.activate("default")
    project.stacks.activate("-")
    assert (project.stacks.get().name, ws.stacks.get().name) == ("other", "prod")
