import pytest

from stackfold.domain.errors import (
    ComponentsDiffer,
    IncompleteStack,
    InvalidConfiguration,
    InvalidFile,
    InvalidName,
    NameTaken,
    NothingToChange,
    UnknownFlavor,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

STORE, OPERATOR = ComponentType.ARTIFACT_STORE, ComponentType.STEP_OPERATOR


@pytest.fixture
def prod(ws):
    """A workspace with a stack of everything that a document can tell."""
    ws.components.register(STORE, "shared", "local", {"path": "/data"}, {"tier": "gold"})
    for name in ("small", "big"):
        ws.components.register(OPERATOR, name, "local")
    ws.stacks.register(
        "prod",
        orchestrator="default",
        artifact_store="shared",
        step_operator=["small", "big"],
        description="what customers see",
        labels={"team": "ml"},
    )
    return ws


def document(**changes):
    """A smallest document, with changes; a value of None leaves the key out."""
    whole = {
        "stack_name": "told",
        "components": {
            "orchestrator": [{"name": "o", "flavor": "local"}],
            "artifact_store": [
                {"name": "s", "flavor": "local", "configuration": {"path": "/told"}}
            ],
        },
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def told(view):
    """What a stack is made of, whoever recorded it and when."""
    return view.name, view.description, view.labels, view.components


def test_an_exported_stack_comes_back_whole_in_another_workspace(prod):
    exported = prod.stacks.export("prod")
    with Workspace.in_memory() as other:
        imported = other.stacks.import_stack(exported)
        assert told(imported.stack) == told(prod.stacks.get("prod"))
        assert other.stacks.export("prod") == exported
        assert [view.name for view in imported.registered] == ["shared", "small", "big"]
        assert [view.name for view in imported.reused] == ["default"]
        assert other.components.get(STORE, "shared").labels == {"tier": "gold"}


def test_the_active_stack_is_exported_if_none_is_named(prod):
    assert prod.stacks.export()["stack_name"] == "default"


def test_importing_it_again_changes_nothing(prod):
    with pytest.raises(NothingToChange):
        prod.stacks.import_stack(prod.stacks.export("prod"))


def test_the_order_of_components_matters(prod):
    exported = prod.stacks.export("prod")
    exported["components"]["step_operator"].reverse()
    with pytest.raises(NameTaken):
        prod.stacks.import_stack(exported)
    view = prod.stacks.import_stack(exported, "other").stack
    assert view.components["step_operator"] == ["big", "small"]


def test_it_is_one_change_with_one_reason(prod):
    imported = prod.stacks.import_stack(document(), why="from ada")
    entries = prod._services.history.of(imported.stack.id) + prod._services.history.of(
        imported.registered[0].id
    )
    assert {entry.why for entry in entries} == {"from ada"}
    assert len({entry.change for entry in entries}) == 1


def test_nothing_comes_in_of_what_is_refused(ws):
    before = len(ws.components.list(ComponentType.ORCHESTRATOR))
    lacking = document(components={"orchestrator": [{"name": "o", "flavor": "local"}]})
    with pytest.raises(IncompleteStack):
        ws.stacks.import_stack(lacking)
    assert len(ws.components.list(ComponentType.ORCHESTRATOR)) == before


@pytest.mark.parametrize(
    "other", [{"configuration": {"path": "/elsewhere"}}, {"configuration": None}], ids=str
)
def test_another_component_of_the_name_is_in_the_way(prod, other):
    exported = prod.stacks.export("prod")
    exported["components"]["artifact_store"][0].update(other)
    with pytest.raises(ComponentsDiffer) as refusal:
        prod.stacks.import_stack(exported, "again")
    assert refusal.value.components == ("artifact store 'shared'",)

    reused = prod.stacks.import_stack(exported, "reusing", on_conflict="reuse")
    assert reused.stack.components["artifact_store"] == ["shared"]
    assert not reused.registered

    renamed = prod.stacks.import_stack(exported, "renaming", on_conflict="rename")
    assert renamed.stack.components["artifact_store"] == ["shared-2"]
    assert renamed.registered[0].configuration == (other["configuration"] or {})


def test_labels_do_not_make_a_component_another_one(prod):
    exported = prod.stacks.export("prod")
    del exported["components"]["artifact_store"][0]["labels"]
    imported = prod.stacks.import_stack(exported, "again")
    assert not imported.registered


def test_renaming_finds_a_free_name_of_legal_length(prod):
    longest = "x" * 64
    for path in ("/a", "/b", "/c"):
        changed = document()
        changed["components"]["artifact_store"][0].update(
            name=longest, configuration={"path": path}
        )
        imported = prod.stacks.import_stack(changed, longest, on_conflict="rename")
    assert imported.stack.name == imported.registered[0].name == "x" * 62 + "-3"


def test_a_name_is_compared_in_its_normal_form(ws):
    composed, decomposed = "b\u00fccher", "bu\u0308cher"
    ws.components.register(STORE, composed, "local", {"path": "/told"})
    changed = document()
    changed["components"]["artifact_store"][0]["name"] = decomposed
    assert ws.stacks.import_stack(changed).reused[0].name == composed


def test_the_peers_older_form_has_one_mapping_for_each_type(ws):
    older = document()
    older["components"] = {type: held[0] for type, held in older["components"].items()}
    older["zenml_version"] = "0.50.0"
    assert ws.stacks.import_stack(older).stack.components == {
        "orchestrator": ["o"],
        "artifact_store": ["s"],
    }


@pytest.mark.parametrize(
    ("changed", "refusal", "problem"),
    [
        (None, InvalidFile, "it must be a mapping"),
        ([], InvalidFile, "it must be a mapping"),
        ({1: 2}, InvalidFile, "it must be a mapping"),
        ({}, InvalidFile, "it has no components"),
        (document(stack_name=None), InvalidFile, "it needs a stack_name"),
        (document(stack_name=5), InvalidFile, "stack_name of it must be text"),
        (document(stack_name="a/b"), InvalidName, "a/b"),
        (document(colour="red"), InvalidFile, "unknown key 'colour'"),
        (document(description=["x"]), InvalidFile, "description of it must be text"),
        (document(labels={"a": 1}), InvalidFile, "must be text"),
        (document(labels={"a/b": "c"}), InvalidName, "a/b"),
        (document(components=[]), InvalidFile, "components must be a mapping"),
        (document(components={"toaster": []}), InvalidFile, "no component type 'toaster'"),
        (document(components={"alerter": ["x"]}), InvalidFile, "must be a mapping"),
        (document(components={"alerter": {"flavor": "x"}}), InvalidFile, "needs a name"),
        (document(components={"alerter": {"name": "x"}}), InvalidFile, "needs a flavor"),
        (
            document(components={"alerter": {"name": "x", "flavor": "y", "type": "annotator"}}),
            InvalidFile,
            "of the type annotator but stands under alerter",
        ),
        (
            document(components={"orchestrator": [{"name": "x", "flavor": "local"}] * 2}),
            InvalidFile,
            "described twice",
        ),
        (
            document(components={"alerter": {"name": "x", "flavor": "pigeon"}}),
            UnknownFlavor,
            "pigeon",
        ),
        (
            document(
                components={
                    "artifact_store": {
                        "name": "x",
                        "flavor": "local",
                        "configuration": {"pth": "y"},
                    }
                }
            ),
            InvalidConfiguration,
            "pth",
        ),
    ],
)
def test_a_document_that_describes_no_stack_is_refused(ws, changed, refusal, problem):
    with pytest.raises(refusal) as refused:
        ws.stacks.import_stack(changed, origin="told.yaml")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)
    if refusal is InvalidFile:
        assert refused.value.path == "told.yaml"
