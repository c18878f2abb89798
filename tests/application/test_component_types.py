"""Component types of one's own: declared by a program, read by one that does not declare them."""

import copy
import pickle
import sys

import pytest
from vector_stores import FEATURE_FLAG, TYPES, VECTOR_STORE, VectorStore, composed, with_flavors

from stackfold import ComponentType, Workspace
from stackfold.cli.app import command
from stackfold.domain.stacks.component_type import RESERVED
from stackfold.errors import (
    Invalid,
    InvalidComponentType,
    InvalidFile,
    MissingComponentType,
    NotFound,
    NotInStack,
    StackfoldError,
    UnknownComponentType,
    UnknownFlavor,
)
from stackfold.flavors import Alerter, StackComponent


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request, tmp_path):
    """The arguments that open one log, again and again."""
    if request.param == "SQLite":
        yield {"home": tmp_path}
    else:
        with request.getfixturevalue("postgres").lent() as url:
            yield {"home": tmp_path, "store": url}


@pytest.fixture
def ws(place):
    with Workspace.open(**place, component_types=TYPES) as ws:
        composed(ws)
        yield ws


@pytest.fixture
def stranger(ws, place):
    """The same log, opened by a program that declares nothing."""
    with Workspace.open(**place) as other:
        yield other


# -- a program that declares them


def test_a_component_is_registered_changed_and_listed_like_any_other(ws):
    ws.components.update("vector_store", "main", {"dimensions": 4}, {"team": "search"})
    ws.components.rename(VECTOR_STORE, "main", "vectors")
    (view,) = ws.components.list(VECTOR_STORE)
    assert (view.type, view.name, view.configuration) == (
        "vector_store",
        "vectors",
        {"dimensions": 4},
    )
    assert view.stacks == ["search"]
    assert ws.components.get(VECTOR_STORE, view.id, as_of=view.created).name == "main"
    actions = [entry.action for entry in ws.components.history(VECTOR_STORE, "vectors")]
    assert actions == ["renamed", "updated", "registered"]


def test_a_stack_contains_them_in_the_order_of_types(ws):
    view = ws.stacks.get("search")
    assert view.components == {
        "orchestrator": ["default"],
        "artifact_store": ["default"],
        "feature_flag": ["beta", "fast"],
        "vector_store": ["main"],
    }
    assert ws.stacks.list()[-1] == view
    assert not ws.stacks.check("search")


def test_several_are_possible_only_where_the_declaration_says_so(ws):
    ws.components.register(VECTOR_STORE, "other", "memory")
    with pytest.raises(Invalid, match="one vector store only"):
        ws.stacks.update("search", components={VECTOR_STORE: ["main", "other"]})
    ws.stacks.set_default("search", {FEATURE_FLAG: "fast"})
    ws.stacks.remove_components("search", {FEATURE_FLAG: ["beta"]})
    ws.stacks.update("search", add=True, components={FEATURE_FLAG: "beta"})
    assert ws.stacks.get("search").components["feature_flag"] == ["fast", "beta"]


def test_their_names_are_keywords_too(ws):
    ws.stacks.register(
        "other", orchestrator="default", artifact_store="default", vector_store="main"
    )
    assert ws.stacks.get("other").components["vector_store"] == ["main"]


def test_what_a_flavor_needs_may_be_of_such_a_type(ws):
    with pytest.raises(StackfoldError, match="feature flag 'beta' needs a vector store"):
        ws.stacks.register(
            "other",
            orchestrator="default",
            artifact_store="default",
            components={FEATURE_FLAG: "beta"},
        )


def test_undo_takes_a_change_of_a_component_back(ws):
    ws.components.update(VECTOR_STORE, "main", {"dimensions": 4})
    (entry,) = ws.undo()
    assert (entry.kind, entry.name) == ("vector store", "main") or entry.kind == "vector_store"
    assert ws.components.get(VECTOR_STORE, "main").configuration == {"dimensions": 8}


def test_a_stack_is_reverted_with_its_components(ws):
    ws.components.update(VECTOR_STORE, "main", {"dimensions": 4})
    ws.stacks.remove_components("search", {FEATURE_FLAG: []})
    ws.stacks.revert("search", 1, with_components=True, confirmed=True)
    assert ws.stacks.get("search").components["feature_flag"] == ["beta", "fast"]
    assert ws.components.get(VECTOR_STORE, "main").configuration == {"dimensions": 8}


def test_a_component_is_deleted_and_restored(ws):
    ws.components.register(VECTOR_STORE, "other", "memory")
    ws.components.delete(VECTOR_STORE, "other")
    assert [each.name for each in ws.log.deleted("component", VECTOR_STORE)] == ["other"]
    ws.components.restore("vector_store", "other")
    assert ws.components.get(VECTOR_STORE, "other").flavor == "memory"


def test_a_difference_names_one_of_several(ws):
    ws.components.update(FEATURE_FLAG, "fast", {"on": False})
    ws.components.register(VECTOR_STORE, "other", "memory")
    ws.stacks.update("search", components={VECTOR_STORE: "other"})
    changes = ws.stacks.diff("search", revisions=(1, None))
    found = {each.field: (each.before, each.after) for each in changes}
    assert found["feature_flag[fast].on"] == (True, False)
    assert found["vector_store"] == ("main", "other")
    assert found["vector_store.dimensions"] == (8, 3)


def test_a_document_has_them(ws, tmp_path):
    document = ws.stacks.export("search")
    assert [each["name"] for each in document["components"]["feature_flag"]] == ["beta", "fast"]
    with Workspace.in_memory(component_types=TYPES) as other:
        with_flavors(other)
        other.stacks.import_stack(document)
        assert other.stacks.export("search") == document
    with Workspace.in_memory() as other, pytest.raises(InvalidFile, match="'feature_flag', but"):
        other.stacks.import_stack(document)


def test_the_log_of_them_is_verified_rebuilt_exported_and_imported(ws, tmp_path):
    before = ws.stacks.list()
    ws.log.verify()
    ws.log.rebuild()
    assert ws.stacks.list() == before
    head = ws.log.export(tmp_path / "log.jsonl")
    assert str(head) == str(ws.log.head())


def test_events_name_the_package_that_declares_the_type(ws):
    (event,) = [each for each in ws.log.events() if each.data.get("name") == "main"]
    assert event.topic == "component.registered"
    assert ws._database.read("SELECT state FROM events WHERE position = ?", [event.position])[0][
        0
    ].count(b'"package":"vector_stores"')


# -- a program that does not declare them


def test_everything_recorded_can_be_read_without_the_declaration(ws, stranger):
    assert stranger.stacks.list() == ws.stacks.list()
    assert stranger.components.list("vector_store") == ws.components.list("vector_store")
    assert stranger.stacks.history("search") == ws.stacks.history("search")
    assert stranger.components.history(VECTOR_STORE, "main")
    assert stranger.stacks.export("search") == ws.stacks.export("search")
    assert stranger.components.types()[-2:] == ["feature_flag", "vector_store"]
    stranger.log.verify()
    stranger.log.rebuild()
    assert stranger.stacks.list() == ws.stacks.list()


def test_other_things_are_changed_reverted_and_undone_without_it(ws, stranger):
    stranger.stacks.update("search", description="Finds texts")
    stranger.stacks.rename("search", "find")
    stranger.stacks.revert("find", 1)
    stranger.undo()
    stranger.stacks.copy("find", "third")
    assert stranger.stacks.get("third").components["feature_flag"] == ["beta", "fast"]
    stranger.stacks.remove_components("third", {FEATURE_FLAG: []})
    stranger.stacks.delete("third")
    stranger.components.rename("feature_flag", "beta", "alpha")
    assert ws.components.get(FEATURE_FLAG, "alpha").flavor == "fixed"


@pytest.mark.parametrize(
    "act",
    [
        lambda ws: ws.components.register("vector_store", "new", "memory"),
        lambda ws: ws.flavors.register("vector_store", "vector_stores.Memory"),
        lambda ws: ws.stacks.update("search", components={VECTOR_STORE: "main"}),
        lambda ws: ws.stacks.update("search", vector_store="main"),
    ],
    ids=["component", "flavor", "stack", "keyword"],
)
def test_nothing_new_is_recorded_without_it(stranger, act):
    head = stranger.log.head()
    with pytest.raises(MissingComponentType) as caught:
        act(stranger)
    assert caught.value.package == "vector_stores"
    assert "the package 'vector_stores' declares it: install it" in str(caught.value)
    assert stranger.log.head() == head


def test_a_missing_class_is_a_missing_package(stranger, monkeypatch):
    monkeypatch.setitem(sys.modules, "vector_stores", None)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if not each.endswith("support")])
    with pytest.raises(MissingComponentType):
        stranger.flavors.describe("vector_store", "memory")
    problems = {each.problem for each in stranger.stacks.check("search")}
    assert any("the package 'vector_stores' declares it" in each for each in problems)


# -- names and declarations


@pytest.mark.parametrize("name", ["vectorstore", "artifact-store", "ALERTER", "", "a b", "💥"])
def test_a_wrong_name_is_an_error_that_lists_the_types(name):
    with Workspace.in_memory(component_types=TYPES) as ws:
        for act in (
            lambda: ws.components.list(name),
            lambda: ws.components.register(name, "a", "local"),
            lambda: ws.flavors.list(name),
            lambda: ws.stacks.set_default("default", {name: "default"}),
            lambda: ws.stacks.register("x", components={name: "default"}),
            lambda: ws.log.deleted("component", name),
        ):
            with pytest.raises(UnknownComponentType, match="choose one of orchestrator, a"):
                act()
        with pytest.raises(UnknownComponentType, match="vector_store, feature_flag"):
            ws.components.get(name)


@pytest.mark.parametrize("given", [7, b"artifact_store", ["artifact_store"]])
def test_what_is_no_text_is_an_error_too(ws, given):
    with pytest.raises(UnknownComponentType):
        ws.components.list(given)


def test_a_type_of_stackfold_may_be_given_as_text(ws):
    assert ws.components.get("artifact_store", "default").type == ComponentType.ARTIFACT_STORE
    with pytest.raises(UnknownFlavor):
        ws.components.register("artifact_store", "a", "memory")
    with pytest.raises(NotInStack):
        ws.stacks.remove_components("search", {"alerter": []})
    with pytest.raises(NotFound, match="there is no step operator 'gpu'"):
        ws.stacks.set_default("search", {"step_operator": "gpu"})


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("artifact_store", "Stackfold has a component type of that name"),
        ("run", "a command or an option has that name"),
        ("set", "a command or an option has that name"),
        ("lambda", "it is a keyword of Python"),
        ("Vector", "lower-case"),
        ("vector-store", "lower-case"),
        ("_vector", "lower-case"),
        ("vector__store", "lower-case"),
        ("vector.store", "lower-case"),
        ("vektör", "lower-case"),
        ("vector\n", "lower-case"),
        ("../vector", "lower-case"),
        ("v" * 65, "up to 64"),
        ("", "lower-case"),
    ],
)
def test_what_cannot_be_declared(name, problem):
    with pytest.raises(InvalidComponentType, match=problem) as caught:
        ComponentType(name, port="vector_stores:VectorStore")
    assert caught.value.name == name


class Wrong(StackComponent):
    component_type = ComponentType.ALERTER


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ("vector_store", "declare it with ComponentType"),
        (ComponentType("vector_store"), "only named: declare it with a port"),
        (ComponentType.ALERTER, "Stackfold has a component type of that name"),
        (ComponentType("vector_store", port="no module"), "is no module:Class"),
        (ComponentType("vector_store", port="vector_stores.VectorStore"), "is no module:Class"),
        (ComponentType("vector_store", port=int), "derived from StackComponent"),
        (ComponentType("vector_store", port=Wrong), "as its attribute `component_type`"),
        (ComponentType("vector_store", port=Alerter), "as its attribute `component_type`"),
    ],
)
def test_an_incomplete_declaration_is_refused_when_the_workspace_is_opened(
    declared, problem, tmp_path
):
    with pytest.raises(InvalidComponentType, match=problem):
        Workspace.in_memory(component_types=[declared])
    with pytest.raises(InvalidComponentType, match=problem):
        Workspace.open(tmp_path, component_types=[declared])


def test_two_declarations_of_a_name_must_agree():
    with Workspace.in_memory(component_types=[*TYPES, *TYPES]) as ws:
        assert ws.components.types()[-2:] == [VECTOR_STORE, FEATURE_FLAG]
    other = ComponentType("vector_store", port=VectorStore, several_per_stack=True)
    with pytest.raises(InvalidComponentType, match="declared twice, differently"):
        Workspace.in_memory(component_types=[*TYPES, other])


def test_a_port_that_cannot_be_imported_is_an_error_when_it_is_needed():
    broken = ComponentType("vector_store", port="no_such_module:VectorStore")
    with Workspace.in_memory(component_types=[broken]) as ws:
        assert not ws.components.list("vector_store")
        with pytest.raises(InvalidComponentType, match="cannot be imported: ModuleNotFoundError"):
            ws.flavors.register("vector_store", "vector_stores.Memory")


def test_no_command_option_or_parameter_can_be_the_name_of_a_type():
    root = command()
    commands = {*root.entries} - {each.command for each in ComponentType}
    stack = root.load("stack")
    options = (
        {
            word.lstrip("-")
            for name in ("register", "update", "remove-component", "set-default")
            for option in stack.load(name).params
            for word in option.opts
            if word.startswith("--") or not word.startswith("-")
        }
        - {each.command for each in ComponentType}
        - {*ComponentType}
    )
    assert {each.replace("-", "_") for each in commands | options} <= RESERVED


def test_a_type_is_a_text():
    assert VECTOR_STORE == "vector_store" == VECTOR_STORE.value
    assert (VECTOR_STORE.command, VECTOR_STORE.noun) == ("vector-store", "vector store")
    assert ComponentType("artifact_store") is ComponentType.ARTIFACT_STORE
    assert "artifact_store" in ComponentType
    assert "vector_store" not in ComponentType
    assert len([*ComponentType]) == len(ComponentType) == 12
    for each in (VECTOR_STORE, FEATURE_FLAG, ComponentType.ALERTER, ComponentType("other")):
        for other in (copy.copy(each), copy.deepcopy(each), pickle.loads(pickle.dumps(each))):
            assert (other, type(other), vars(other)) == (each, ComponentType, vars(each))
