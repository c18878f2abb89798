"""Component: a flavor, configured and named."""

from uuid import UUID

import pytest

from stackfold.domain.errors import (
    InvalidName,
    NotDeleted,
    NotFound,
    NothingToChange,
    Protected,
)
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.origin import Origin
from stackfold.testing import event, given, past, stamped

STORE = ComponentType.ARTIFACT_STORE

registered = event(
    Component.Registered,
    type=STORE,
    name="shared",
    flavor="local",
    configuration={"path": "/data", "mirrors": ["a", "b"]},
    labels={"team": "vision"},
)
deleted = event(Component.Deleted)
default = event(
    Component.Registered, type=STORE, name="default", flavor="local", configuration={}, labels={}
)


def updated(configuration=(), labels=()):
    return event(Component.Updated, configuration=dict(configuration), labels=dict(labels))


# -- register


def test_a_component_is_registered():
    component = (
        given(Component)
        .when(
            lambda kind: kind.register(
                STORE,
                "shared",
                "local",
                {"path": "/data", "mirrors": ["a", "b"]},
                {"team": "vision"},
            )
        )
        .then(registered)
    )
    assert component.version == 1
    assert component.kind == "artifact store"
    assert not component.deleted


def test_every_component_gets_an_id_of_its_own():
    ids = {Component.register(STORE, "shared", "local", {}).id for _ in range(20)}
    assert len(ids) == 20
    assert {id.version for id in ids} == {4}


def test_a_copy_says_what_it_is_a_copy_of():
    original = Origin(id=UUID(int=7), revision=3)
    given(Component).when(
        lambda kind: kind.register(STORE, "copy", "local", {}, copied_from=original)
    ).then(
        event(
            Component.Registered,
            type=STORE,
            name="copy",
            flavor="local",
            configuration={},
            labels={},
            copied_from=original,
        )
    )


def test_what_was_passed_in_is_not_kept_hold_of():
    configuration, labels = {"mirrors": ["a"]}, {"team": "vision"}
    component = Component.register(STORE, "shared", "local", configuration, labels)
    configuration["mirrors"].append("b")
    configuration["path"] = labels["team"] = "other"
    (event,) = component.collect_events()
    assert event.configuration == component.configuration == {"mirrors": ["a"]}
    assert event.labels == component.labels == {"team": "vision"}


def test_a_name_is_stored_in_its_normal_form():
    assert Component.register(STORE, "gro\u0308ße", "local", {}).name == "größe"


@pytest.mark.parametrize("name", ["", " ", "a/b", "-dash", "a" * 65])
def test_an_illegal_name_is_refused(name):
    given(Component).when(lambda kind: kind.register(STORE, name, "local", {})).rejected(
        InvalidName, "cannot name an artifact store"
    )


def test_an_illegal_label_is_refused():
    given(Component).when(
        lambda kind: kind.register(STORE, "a", "local", {}, {"a b": ""})
    ).rejected(InvalidName, "'a b' cannot name a label")


# -- update


def test_an_update_sets_what_is_named_and_keeps_the_rest():
    component = (
        given(Component, registered)
        .when(lambda c: c.update({"path": "/other", "quota": 3}, {"owner": "ada"}))
        .then(updated({"path": "/other", "quota": 3}, {"owner": "ada"}))
    )
    assert component.configuration == {"path": "/other", "mirrors": ["a", "b"], "quota": 3}
    assert component.labels == {"team": "vision", "owner": "ada"}


def test_an_update_records_only_what_changes():
    given(Component, registered).when(
        lambda c: c.update({"path": "/data", "quota": 3}, {"team": "vision"})
    ).then(updated({"quota": 3}))


def test_null_is_a_value_and_not_the_same_as_nothing():
    component = (
        given(Component, registered)
        .when(lambda c: c.update({"quota": None}))
        .then(updated({"quota": None}))
    )
    assert component.configuration["quota"] is None


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, 1.0), ("1", 1)])
def test_values_of_other_types_are_other_values(before, after):
    number = event(
        Component.Registered,
        type=STORE,
        name="a",
        flavor="f",
        configuration={"n": before, "deep": [{"n": before}]},
        labels={},
    )
    component = (
        given(Component, number)
        .when(lambda c: c.update({"n": after, "deep": [{"n": after}]}))
        .then(updated({"n": after, "deep": [{"n": after}]}))
    )
    assert type(component.configuration["n"]) is type(after)


def test_a_label_is_removed_by_none():
    component = (
        given(Component, registered)
        .when(lambda c: c.update({}, {"team": None}))
        .then(updated({}, {"team": None}))
    )
    assert component.labels == {}


def test_a_label_may_be_empty():
    component = (
        given(Component, registered)
        .when(lambda c: c.update({}, {"team": ""}))
        .then(updated({}, {"team": ""}))
    )
    assert component.labels == {"team": ""}


def test_a_label_is_the_same_in_either_spelling():
    composed, decomposed = "größe", "gro\u0308ße"
    labelled = updated({}, {composed: "xl"})
    given(Component, registered, labelled).when(lambda c: c.update({}, {decomposed: None})).then(
        updated({}, {composed: None})
    )
    given(Component, registered, labelled).when(
        lambda c: c.update({}, {decomposed: "xl"})
    ).rejected(NothingToChange, "unchanged")


@pytest.mark.parametrize(
    ("configuration", "labels"),
    [
        ({}, None),
        ({}, {}),
        ({"path": "/data"}, None),
        ({"mirrors": ["a", "b"]}, {"team": "vision"}),
        ({}, {"absent": None}),
    ],
)
def test_an_update_that_changes_nothing_records_nothing(configuration, labels):
    given(Component, registered).when(lambda c: c.update(configuration, labels)).rejected(
        NothingToChange, "artifact store 'shared' unchanged, revision 1"
    )


# -- remove attributes


def test_attributes_go_back_to_the_defaults():
    component = (
        given(Component, registered)
        .when(lambda c: c.remove_attributes(["path", "path"]))
        .then(event(Component.AttributesRemoved, attributes=("path",)))
    )
    assert component.configuration == {"mirrors": ["a", "b"]}


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        (["nope"], "'shared' has no attribute 'nope': it has mirrors, path"),
        (["path", "nope", "no"], "'shared' has no attribute 'nope', 'no': it has mirrors, path"),
    ],
)
def test_an_attribute_that_is_not_set_cannot_be_removed(attributes, text):
    given(Component, registered).when(lambda c: c.remove_attributes(attributes)).rejected(
        NotFound, text
    )


# -- rename


def test_a_component_is_renamed():
    given(Component, registered).when(lambda c: c.rename("gro\u0308ße")).then(
        event(Component.Renamed, name="größe")
    )


def test_the_rule_for_names_holds_on_rename_too():
    given(Component, registered).when(lambda c: c.rename("a/b")).rejected(InvalidName, "'a/b'")


def test_its_own_name_changes_nothing():
    given(Component, registered).when(lambda c: c.rename("shared")).rejected(
        NothingToChange, "revision 1"
    )


# -- delete, revert, restore


def test_a_component_is_deleted():
    assert given(Component, registered).when(lambda c: c.delete()).then(deleted).deleted


def test_a_revert_is_a_new_revision_that_equals_the_old_one():
    renamed = event(Component.Renamed, name="other")
    first = past(registered)
    component = (
        given(Component, registered, updated({"path": "/x"}), renamed)
        .when(lambda c: c.revert(first))
        .then(
            event(
                Component.Reverted,
                to_revision=1,
                name="shared",
                configuration=first.configuration,
                labels=first.labels,
            )
        )
    )
    assert component.version == 4
    assert component.state == first.state


def test_a_revert_to_the_same_changes_nothing():
    given(Component, registered).when(lambda c: c.revert(past(registered))).rejected(
        NothingToChange, "revision 1"
    )


def test_a_deleted_component_is_restored():
    first = past(registered)
    component = (
        given(Component, registered, deleted)
        .when(lambda c: c.restore(first))
        .then(
            event(
                Component.Restored,
                to_revision=1,
                name="shared",
                configuration=first.configuration,
                labels=first.labels,
                type=STORE,
                flavor="local",
            )
        )
    )
    assert not component.deleted
    assert component.state == first.state


def test_only_what_is_deleted_can_be_restored():
    given(Component, registered).when(lambda c: c.restore(past(registered))).rejected(
        NotDeleted, "is not deleted"
    )


COMMANDS = {
    "updated": lambda c: c.update({"path": "/x"}),
    "updated by removal": lambda c: c.remove_attributes(["path"]),
    "renamed": lambda c: c.rename("other"),
    "deleted": lambda c: c.delete(),
    "reverted": lambda c: c.revert(past(registered)),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_nothing_can_be_done_with_a_deleted_component(command):
    given(Component, registered, deleted).when(command).rejected(
        NotFound, "there is no artifact store 'shared'"
    )


@pytest.mark.parametrize(("action", "command"), COMMANDS.items(), ids=COMMANDS)
def test_a_default_component_stays_as_it_is(action, command):
    given(Component, default).when(command).rejected(
        Protected,
        f"the artifact store 'default' cannot be {action.split()[0]}: copy it and change the copy",
    )


def test_only_the_types_that_every_stack_needs_have_default_components():
    mine = event(
        Component.Registered,
        type=ComponentType.ALERTER,
        name="default",
        flavor="f",
        configuration={},
        labels={},
    )
    given(Component, mine).when(lambda c: c.rename("other")).then(
        event(Component.Renamed, name="other")
    )


# -- which changes can both stand


@pytest.mark.parametrize(
    ("fact", "fields"),
    [
        (updated({"path": "/x"}, {"team": None}), {"attribute path", "label team"}),
        (event(Component.AttributesRemoved, attributes=("path",)), {"attribute path"}),
        (event(Component.Renamed, name="b"), {"name"}),
        (deleted, {"everything"}),
        (registered, {"everything"}),
    ],
)
def test_an_event_tells_which_fields_it_touches(fact, fields):
    assert stamped(fact)[0].changed_fields() == fields


def test_an_attribute_is_never_taken_for_a_name_or_everything():
    attribute = stamped(updated({"name": "x", "everything": 1}))[0]
    assert (
        not attribute.changed_fields()
        & stamped(event(Component.Renamed, name="b"))[0].changed_fields()
    )
    assert "everything" not in attribute.changed_fields()
