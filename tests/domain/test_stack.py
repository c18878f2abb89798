"""Stack: which components it is made of."""

from uuid import UUID

import pytest

from stackfold.domain.errors import (
    IncompleteStack,
    Invalid,
    InvalidName,
    NotDeleted,
    NotFound,
    NothingToChange,
    NotInStack,
    Protected,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.origin import Origin
from stackfold.domain.stacks.stack import Stack
from stackfold.testing import event, given, past, stamped

ORCHESTRATOR, STORE = ComponentType.ORCHESTRATOR, ComponentType.ARTIFACT_STORE
OPERATOR, ALERTER = ComponentType.STEP_OPERATOR, ComponentType.ALERTER
REGISTRY = ComponentType.CONTAINER_REGISTRY
LOCAL, KUBE, DISK, S3, BATCH, SPARK, MAIL = (UUID(int=number) for number in range(10, 17))

REQUIRED = {ORCHESTRATOR: (LOCAL,), STORE: (DISK,)}


def composed(name="prod", components=REQUIRED, description="", labels=(), **more):
    return event(
        Stack.Registered,
        name=name,
        components=components,
        description=description,
        labels=dict(labels),
        **more,
    )


def updated(components=(), description=None, labels=()):
    return event(
        Stack.Updated,
        components=dict(components),
        description=description,
        labels=dict(labels),
    )


registered = composed(description="For real", labels={"team": "vision"})
with_operators = composed(components={**REQUIRED, OPERATOR: (BATCH, SPARK)})
deleted = event(Stack.Deleted)
default = composed("default", {**REQUIRED, OPERATOR: (BATCH, SPARK)})


# -- register


def test_a_stack_is_registered():
    stack = (
        given(Stack)
        .when(
            lambda kind: kind.register(
                "prod",
                {ORCHESTRATOR: [LOCAL], STORE: [DISK], ALERTER: []},
                "For real",
                {"team": "vision"},
            )
        )
        .then(registered)
    )
    assert stack.components == REQUIRED, "a type without components is left out"
    assert (stack.description, stack.labels) == ("For real", {"team": "vision"})


def test_a_copy_says_what_it_is_a_copy_of():
    original = Origin(id=UUID(int=7), revision=3)
    given(Stack).when(lambda kind: kind.register("b", REQUIRED, copied_from=original)).then(
        composed("b", copied_from=original)
    )


@pytest.mark.parametrize("name", ["", " ", "a/b", "*", "-dash", "a\n", "a" * 65])
def test_an_illegal_name_is_refused(name):
    given(Stack).when(lambda kind: kind.register(name, REQUIRED)).rejected(
        InvalidName, "cannot name a stack"
    )


def test_a_name_is_stored_in_its_normal_form():
    given(Stack).when(lambda kind: kind.register("gro\u0308ße", REQUIRED)).then(composed("größe"))


@pytest.mark.parametrize(
    ("components", "text"),
    [
        ({}, "stack 'prod' needs an orchestrator and an artifact store"),
        ({ORCHESTRATOR: [LOCAL]}, "stack 'prod' needs an artifact store$"),
        ({STORE: [DISK], ORCHESTRATOR: []}, "stack 'prod' needs an orchestrator$"),
    ],
)
def test_every_stack_needs_an_orchestrator_and_an_artifact_store(components, text):
    given(Stack).when(lambda kind: kind.register("prod", components)).rejected(
        IncompleteStack, text
    )


@pytest.mark.parametrize("type", ComponentType)
def test_only_four_types_may_be_several(type):
    several = {**REQUIRED, type: [KUBE, S3]}
    attempt = given(Stack).when(lambda kind: kind.register("prod", several))
    several_per_stack = {ComponentType.EXPERIMENT_TRACKER, ComponentType.DATA_VALIDATOR}
    if type in {OPERATOR, ALERTER, *several_per_stack}:
        attempt.then(composed(components={**REQUIRED, type: (KUBE, S3)}))
    else:
        attempt.rejected(Invalid, f"a stack can contain one {type.noun} only")


def test_the_same_component_twice_counts_once():
    given(Stack).when(
        lambda kind: kind.register(
            "prod", {ORCHESTRATOR: [LOCAL, LOCAL], STORE: [DISK], OPERATOR: [SPARK, BATCH, SPARK]}
        )
    ).then(composed(components={**REQUIRED, OPERATOR: (SPARK, BATCH)}))


# -- update


def test_given_types_are_replaced_and_others_kept():
    stack = (
        given(Stack, with_operators)
        .when(lambda s: s.update({STORE: [S3], OPERATOR: [SPARK]}))
        .then(updated({STORE: (S3,), OPERATOR: (SPARK,)}))
    )
    assert stack.components == {ORCHESTRATOR: (LOCAL,), STORE: (S3,), OPERATOR: (SPARK,)}
    assert stack.description == ""


def test_another_order_is_another_composition():
    given(Stack, with_operators).when(lambda s: s.update({OPERATOR: [SPARK, BATCH]})).then(
        updated({OPERATOR: (SPARK, BATCH)})
    )


def test_an_update_records_only_what_changes():
    given(Stack, registered).when(
        lambda s: s.update(
            {ORCHESTRATOR: [KUBE], STORE: [DISK]},
            "For real",
            {"team": "vision", "gone": None, "owner": "ada"},
        )
    ).then(updated({ORCHESTRATOR: (KUBE,)}, labels={"owner": "ada"}))


def test_a_description_can_be_emptied():
    stack = given(Stack, registered).when(lambda s: s.update(description="")).then(updated({}, ""))
    assert stack.description == ""


def test_labels_are_set_and_removed():
    stack = (
        given(Stack, registered)
        .when(lambda s: s.update(labels={"team": None, "tier": "1"}))
        .then(updated(labels={"team": None, "tier": "1"}))
    )
    assert stack.labels == {"tier": "1"}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"components": {}},
        {"components": {OPERATOR: []}},
        {"components": {STORE: [DISK]}, "description": "For real", "labels": {"team": "vision"}},
    ],
)
def test_an_update_that_changes_nothing_records_nothing(arguments):
    given(Stack, registered).when(lambda s: s.update(**arguments)).rejected(
        NothingToChange, "stack 'prod' unchanged, revision 1"
    )


def test_an_update_cannot_make_two_of_one():
    given(Stack, registered).when(lambda s: s.update({REGISTRY: [KUBE, S3]})).rejected(
        Invalid, "one container registry"
    )


def test_an_illegal_label_is_refused():
    given(Stack, registered).when(lambda s: s.update(labels={"a b": "x"})).rejected(
        InvalidName, "'a b' cannot name a label"
    )


# -- remove components


def test_one_of_several_components_is_removed():
    stack = (
        given(Stack, with_operators)
        .when(lambda s: s.remove_components({OPERATOR: [BATCH]}))
        .then(event(Stack.ComponentsRemoved, components={OPERATOR: (BATCH,)}))
    )
    assert stack.components == {**REQUIRED, OPERATOR: (SPARK,)}


@pytest.mark.parametrize("ids", [[], [SPARK, BATCH]])
def test_all_components_of_a_type_are_removed(ids):
    stack = (
        given(Stack, with_operators)
        .when(lambda s: s.remove_components({OPERATOR: ids}))
        .then(event(Stack.ComponentsRemoved, components={OPERATOR: tuple(ids) or (BATCH, SPARK)}))
    )
    assert stack.components == REQUIRED


@pytest.mark.parametrize("components", [{ALERTER: []}, {ALERTER: [MAIL]}, {OPERATOR: [MAIL]}])
def test_what_is_not_there_cannot_be_removed(components):
    given(Stack, with_operators).when(lambda s: s.remove_components(components)).rejected(
        NotInStack, "stack 'prod' holds no"
    )


@pytest.mark.parametrize("type", [ORCHESTRATOR, STORE])
def test_what_every_stack_needs_cannot_be_removed(type):
    given(Stack, registered).when(lambda s: s.remove_components({type: []})).rejected(
        IncompleteStack, f"stack 'prod' needs an {type.noun}"
    )


def test_removing_nothing_changes_nothing():
    given(Stack, registered).when(lambda s: s.remove_components({})).rejected(
        NothingToChange, "unchanged"
    )


# -- set default


def test_another_component_becomes_the_default():
    stack = (
        given(Stack, composed(components={**REQUIRED, OPERATOR: (BATCH, SPARK, KUBE)}))
        .when(lambda s: s.set_default(OPERATOR, SPARK))
        .then(event(Stack.DefaultSet, type=OPERATOR, component=SPARK))
    )
    assert stack.components[OPERATOR] == (SPARK, BATCH, KUBE)


def test_the_default_stays_the_default():
    given(Stack, with_operators).when(lambda s: s.set_default(OPERATOR, BATCH)).rejected(
        NothingToChange, "unchanged"
    )


@pytest.mark.parametrize(("type", "component"), [(OPERATOR, MAIL), (ALERTER, MAIL)])
def test_only_what_is_there_can_be_the_default(type, component):
    given(Stack, with_operators).when(lambda s: s.set_default(type, component)).rejected(
        NotInStack, f"stack 'prod' holds no {type.noun}"
    )


# -- rename, delete, revert, restore


def test_a_stack_is_renamed():
    given(Stack, registered).when(lambda s: s.rename("staging")).then(
        event(Stack.Renamed, name="staging")
    )


def test_the_rule_for_names_holds_on_rename_too():
    given(Stack, registered).when(lambda s: s.rename("-dash")).rejected(InvalidName, "'-dash'")


def test_its_own_name_changes_nothing():
    given(Stack, registered).when(lambda s: s.rename("prod")).rejected(NothingToChange, "unchanged")


def test_a_stack_is_deleted():
    assert given(Stack, registered).when(lambda s: s.delete()).then(deleted).deleted


def test_a_revert_is_a_new_revision_that_equals_the_old_one():
    first = past(registered)
    stack = (
        given(
            Stack,
            registered,
            updated({STORE: (S3,), OPERATOR: (SPARK,)}, "Other", {"team": None}),
            event(Stack.Renamed, name="staging"),
        )
        .when(lambda s: s.revert(first))
        .then(
            event(
                Stack.Reverted,
                to_revision=1,
                name="prod",
                components=REQUIRED,
                description="For real",
                labels={"team": "vision"},
            )
        )
    )
    assert (stack.version, stack.state) == (4, first.state)


def test_a_revert_to_the_same_changes_nothing():
    given(Stack, registered).when(lambda s: s.revert(past(registered))).rejected(
        NothingToChange, "stack 'prod' unchanged, revision 1"
    )


def test_a_deleted_stack_is_restored():
    first = past(registered)
    stack = (
        given(Stack, registered, deleted)
        .when(lambda s: s.restore(first))
        .then(
            event(
                Stack.Restored,
                to_revision=1,
                name="prod",
                components=REQUIRED,
                description="For real",
                labels={"team": "vision"},
            )
        )
    )
    assert not stack.deleted
    assert stack.state == first.state


def test_only_what_is_deleted_can_be_restored():
    given(Stack, registered).when(lambda s: s.restore(past(registered))).rejected(
        NotDeleted, "stack 'prod' is not deleted"
    )


COMMANDS = {
    "updated": lambda s: s.update(description="x"),
    "updated by removal": lambda s: s.remove_components({OPERATOR: []}),
    "updated by default": lambda s: s.set_default(OPERATOR, SPARK),
    "renamed": lambda s: s.rename("other"),
    "deleted": lambda s: s.delete(),
    "reverted": lambda s: s.revert(past(registered)),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_nothing_can_be_done_with_a_deleted_stack(command):
    given(Stack, with_operators, deleted).when(command).rejected(
        NotFound, "there is no stack 'prod'"
    )


@pytest.mark.parametrize(("action", "command"), COMMANDS.items(), ids=COMMANDS)
def test_the_default_stack_stays_as_it_is(action, command):
    given(Stack, default).when(command).rejected(
        Protected, f"the stack 'default' cannot be {action.split()[0]}"
    )


@pytest.mark.parametrize(
    ("fact", "fields"),
    [
        (
            updated({STORE: (S3,)}, "x", {"team": None}),
            {"artifact_store", "description", "label team"},
        ),
        (updated(labels={"team": None}), {"label team"}),
        (event(Stack.ComponentsRemoved, components={OPERATOR: (BATCH,)}), {"step_operator"}),
        (event(Stack.DefaultSet, type=OPERATOR, component=SPARK), {"step_operator"}),
        (event(Stack.Renamed, name="b"), {"name"}),
        (deleted, {"everything"}),
    ],
)
def test_an_event_tells_which_fields_it_touches(fact, fields):
    assert stamped(fact)[0].changed_fields() == fields
