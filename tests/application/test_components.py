"""Components: one method per verb."""

import pytest
from error_text import error_text
from replay import assert_consistent, records_of
from workspaces import (
    OPERATOR,
    ORCHESTRATOR,
    STORE,
    concurrently,
    names,
    position,
    stack,
    store,
)

from stackfold.domain.errors import (
    ConcurrentModification,
    InUse,
    InvalidConfiguration,
    InvalidName,
    NameTaken,
    NotFound,
    NothingToChange,
    Protected,
    StackfoldError,
    UnknownFlavor,
    Unrecordable,
)
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType

REGISTRY = ComponentType.CONTAINER_REGISTRY
PLANTED = "hunter2-do-not-tell"


def events(ws, since=4):
    return [record.topic for record in records_of(ws._database)[since:]]


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
        return refusal.value

    return refused


# -- register


def test_a_component_is_registered(ws):
    view = ws.components.register(
        STORE, "shared", "local", {"path": "/data"}, {"team": "vision"}, why="more room"
    )
    assert view == ws.components.get(STORE, "shared")
    assert (view.name, view.type, view.flavor, view.revision) == (
        "shared",
        "artifact_store",
        "local",
        1,
    )
    assert (view.configuration, view.labels, view.stacks) == (
        {"path": "/data"},
        {"team": "vision"},
        [],
    )
    (record,) = records_of(ws._database)[4:]
    assert b'"why":"more room"' in record.state


def test_a_type_may_be_given_as_text(ws):
    assert ws.components.register("step_operator", "batch", "local").type == "step_operator"
    assert names(ws.components.list("step_operator")) == ["batch"]


def test_what_cannot_be_registered(ws, refused):
    register = ws.components.register
    store(ws, "taken")
    refused(InvalidName, "'a/b' cannot name an artifact store", register, STORE, "a/b", "local")
    refused(NameTaken, "artifact store named 'taken'", register, STORE, "taken", "local")
    refused(NameTaken, "artifact store named 'default'", register, STORE, "default", "local")
    refused(
        UnknownFlavor,
        "there is no artifact store flavor 'ftp': choose one of azure, gcs, local, s3",
        register,
        STORE,
        "a",
        "ftp",
    )
    refused(UnknownFlavor, "email, slack, webhook", register, ComponentType.ALERTER, "a", "pigeon")
    refused(
        InvalidConfiguration,
        "local artifact store: pth: no such attribute, it has path",
        register,
        STORE,
        "a",
        "local",
        {"pth": "x"},
    )
    refused(InvalidConfiguration, "uri: required", register, REGISTRY, "a", "default")
    refused(InvalidName, "name a label", register, STORE, "a", "local", {}, {"a b": "c"})
    refused(Unrecordable, "cannot be recorded", register, STORE, "a", "local", {}, {"a": "\udcff"})
    refused(Unrecordable, "cannot be recorded", register, STORE, "a", "local", why="\udcff")


def test_a_planted_secret_is_in_no_error_and_not_in_the_log(ws, refused):
    error = refused(
        InvalidConfiguration,
        "password: is a secret and the log is forever",
        ws.components.register,
        REGISTRY,
        "hub",
        "default",
        {"uri": "registry.example.com", "password": PLANTED},
    )
    assert PLANTED not in error_text(error)
    reference = {"uri": "registry.example.com", "password": "{{hub.password}}"}
    ws.components.register(REGISTRY, "hub", "default", reference)
    error = refused(
        InvalidConfiguration,
        "password: is a secret",
        ws.components.update,
        REGISTRY,
        "hub",
        {"password": PLANTED},
    )
    assert PLANTED not in error_text(error)
    assert PLANTED not in "".join(ws._database._connection.iterdump())
    assert ws.components.get(REGISTRY, "hub").configuration == reference


# -- update


def test_an_update_merges(ws):
    reference = {"uri": "a", "password": "{{hub.user}}"}
    ws.components.register(REGISTRY, "hub", "default", reference, {"team": "vision"})
    view = ws.components.update(REGISTRY, "hub", {"uri": "b"}, {"tier": "1"})
    assert view.configuration == {"uri": "b", "password": "{{hub.user}}"}
    assert view.labels == {"team": "vision", "tier": "1"}
    assert view.revision == 2
    assert ws.components.update(REGISTRY, "hub", labels={"team": None}).labels == {"tier": "1"}


def test_without_a_name_the_active_stacks_component_is_updated(ws):
    store(ws, "shared", path="a")
    stack(ws, "prod", artifact_store="shared", activate=True)
    assert ws.components.update(STORE, None, {"path": "b"}).name == "shared"


def test_what_cannot_be_updated(ws, refused):
    update = ws.components.update
    ws.components.register(REGISTRY, "hub", "default", {"uri": "a"})
    refused(NotFound, "there is no container registry 'nope'", update, REGISTRY, "nope", {})
    refused(NothingToChange, "'hub' unchanged, revision 1", update, REGISTRY, "hub", {"uri": "a"})
    refused(InvalidConfiguration, "colour: no such", update, REGISTRY, "hub", {"colour": "red"})
    refused(InvalidConfiguration, "uri: ", update, REGISTRY, "hub", {"uri": ""})
    refused(Protected, "cannot be updated", update, STORE, "default", {"path": "x"})


def test_attributes_go_back_to_the_defaults(ws, refused):
    ws.components.register(REGISTRY, "hub", "default", {"uri": "a", "password": "{{hub.user}}"})
    view = ws.components.remove_attributes(REGISTRY, "hub", ["password"])
    assert view.configuration == {"uri": "a"}
    remove = ws.components.remove_attributes
    refused(NotFound, "no attribute 'password': it has uri", remove, REGISTRY, "hub",
            ["password"])  # fmt: skip
    refused(InvalidConfiguration, "uri: required, but not given", remove, REGISTRY, "hub", ["uri"])


# -- rename, copy, delete


def test_a_component_is_renamed_and_stays_itself(ws, refused):
    first = store(ws, "shared")
    store(ws, "taken")
    assert ws.components.rename(STORE, "shared", "common").id == first.id
    rename = ws.components.rename
    refused(NameTaken, "'taken'", rename, STORE, "common", "taken")
    refused(NameTaken, "'default'", rename, STORE, "common", "default")
    refused(InvalidName, "'-x'", rename, STORE, "common", "-x")
    refused(NothingToChange, "unchanged", rename, STORE, "common", "common")
    refused(Protected, "cannot be renamed", rename, STORE, "default", "other")


def test_a_copy_is_like_the_original_but_its_own(ws, refused):
    original = ws.components.register(STORE, "a", "local", {"path": "/x"}, {"team": "vision"})
    copy = ws.components.copy(STORE, "a", "b")
    assert copy.id != original.id
    assert (copy.configuration, copy.labels, copy.revision) == (
        {"path": "/x"},
        {"team": "vision"},
        1,
    )
    ws.components.update(STORE, "b", {"path": "/y"})
    assert ws.components.get(STORE, "a").configuration == {"path": "/x"}
    refused(NameTaken, "'a'", ws.components.copy, STORE, "b", "a")
    refused(NotFound, "'nope'", ws.components.copy, STORE, "nope", "c")


def test_the_default_component_can_be_copied_and_the_copy_changed(ws):
    ws.components.copy(STORE, "default", "mine")
    assert ws.components.update(STORE, "mine", {"path": "x"}).revision == 2


def test_a_component_is_deleted_unless_a_stack_uses_it(ws, refused):
    store(ws, "shared")
    for name in ("prod", "dev"):
        stack(ws, name, artifact_store="shared")
    refused(
        InUse,
        "artifact store 'shared' is used by stacks 'dev', 'prod': change or delete them first",
        ws.components.delete,
        STORE,
        "shared",
    )
    for name in ("prod", "dev"):
        ws.stacks.update(name, artifact_store="default")
    assert ws.components.delete(STORE, "shared").name == "shared"
    refused(NotFound, "'shared'", ws.components.delete, STORE, "shared")
    refused(Protected, "cannot be deleted", ws.components.delete, ORCHESTRATOR, "default")


def test_every_command_signs_with_author_and_reason(ws):
    store(ws, "a", path="x")
    reason = "as the spec says"
    ws.components.update(STORE, "a", {"path": "y"}, why=reason)
    ws.components.remove_attributes(STORE, "a", ["path"], why=reason)
    ws.components.rename(STORE, "a", "b", why=reason)
    ws.components.copy(STORE, "b", "c", why=reason)
    ws.components.delete(STORE, "c", why=reason)
    assert events(ws, 5) == [
        "component.updated",
        "component.attributes_removed",
        "component.renamed",
        "component.registered",
        "component.deleted",
    ]
    author = ws.components.get(STORE, "default").by.encode()
    for record in records_of(ws._database)[5:]:
        assert b'"why":"as the spec says"' in record.state
        assert b'"by":"%b"' % author in record.state


# -- races, played by hand


def changed_by_bob(ws, configuration=None, labels=None):
    def change():
        component = ws._services.repository.load(Component, ws.components.get(REGISTRY, "hub").id)
        component.update(configuration or {}, labels)
        with ws.acting_as("bob"):
            ws._services.repository.save(component)

    return change


@pytest.fixture
def hub(ws):
    ws.components.register(REGISTRY, "hub", "default", {"uri": "a"}, {"team": "vision"})


def test_changes_of_different_fields_both_stand(ws, hub):
    concurrently(ws, changed_by_bob(ws, {"password": "{{hub.user}}"}, {"team": "audio"}))
    view = ws.components.update(REGISTRY, "hub", {"uri": "b"})
    assert view.configuration == {"uri": "b", "password": "{{hub.user}}"}
    assert (view.labels, view.revision) == ({"team": "audio"}, 3)


def test_of_two_changes_of_one_field_the_second_is_refused(ws, hub):
    concurrently(ws, changed_by_bob(ws, {"uri": "c"}))
    with pytest.raises(ConcurrentModification) as refusal:
        ws.components.update(REGISTRY, "hub", {"uri": "b"})
    assert str(refusal.value) == (
        "bob changed container registry 'hub' at the same time (attribute uri, now revision 2), "
        "nothing was recorded: check it and try again"
    )
    assert ws.components.get(REGISTRY, "hub").configuration == {"uri": "c"}


def test_of_two_same_changes_the_second_changes_nothing(ws, hub):
    concurrently(ws, changed_by_bob(ws, {"uri": "b"}))
    with pytest.raises(NothingToChange, match="revision 2"):
        ws.components.update(REGISTRY, "hub", {"uri": "b"})


def test_a_renaming_and_an_update_both_stand(ws, hub):
    concurrently(ws, lambda: ws.components.rename(REGISTRY, "hub", "center"))
    view = ws.components.update(REGISTRY, "hub", {"uri": "b"})
    assert (view.name, view.configuration, view.revision) == ("center", {"uri": "b"}, 3)


def test_what_was_changed_meanwhile_is_not_deleted(ws, hub):
    concurrently(ws, changed_by_bob(ws, {"uri": "c"}))
    with pytest.raises(ConcurrentModification, match="attribute uri"):
        ws.components.delete(REGISTRY, "hub")
    assert ws.components.get(REGISTRY, "hub").revision == 2


def test_what_was_deleted_meanwhile_is_gone(ws, hub):
    concurrently(ws, lambda: ws.components.delete(REGISTRY, "hub"))
    with pytest.raises(NotFound, match="there is no container registry 'hub'"):
        ws.components.update(REGISTRY, "hub", {"uri": "b"})


def test_after_all_races_the_log_is_consistent(ws, hub):
    concurrently(ws, changed_by_bob(ws, {"password": "{{hub.user}}"}))
    ws.components.update(REGISTRY, "hub", {"uri": "b"})
    assert assert_consistent(ws) == position(ws) == 7
    assert names(ws.components.list(OPERATOR)) == []
