"""Activation: which stack is active in a scope."""

from uuid import UUID

import pytest

from stackfold.domain.errors import NotFound, NothingToChange
from stackfold.domain.stacks.activation import GLOBAL, Activation
from stackfold.testing import event, given, past, stamped

DEFAULT, PROD = UUID(int=20), UUID(int=21)

registered = event(Activation.Registered, name=GLOBAL, stack=DEFAULT)
activated = event(Activation.Activated, stack=PROD)


def test_a_scope_makes_its_first_choice():
    given(Activation).when(lambda kind: kind.register(GLOBAL, DEFAULT)).then(registered)


def test_a_scope_makes_another_choice():
    activation = (
        given(Activation, registered).when(lambda scope: scope.activate(PROD)).then(activated)
    )
    assert activation.stack == PROD


def test_a_scope_goes_back_to_an_earlier_choice():
    given(Activation, registered, activated).when(
        lambda scope: scope.revert(past(registered))
    ).then(event(Activation.Activated, stack=DEFAULT))


@pytest.mark.parametrize(
    "command",
    [lambda scope: scope.activate(DEFAULT), lambda scope: scope.revert(past(registered))],
)
def test_the_same_choice_changes_nothing(command):
    given(Activation, registered).when(command).rejected(
        NothingToChange, "activation 'global' unchanged, revision 1"
    )


def test_a_scope_gives_up_its_choice():
    given(Activation, registered).when(lambda scope: scope.delete()).then(event(Activation.Deleted))


@pytest.mark.parametrize(
    "command", [lambda scope: scope.delete(), lambda scope: scope.restore(past(registered))]
)
def test_a_choice_that_was_given_up_is_gone(command):
    given(Activation, registered, event(Activation.Deleted)).when(command).rejected(
        NotFound, "there is no activation 'global'"
    )


def test_two_choices_of_one_scope_cannot_both_stand():
    first, second = stamped(activated, event(Activation.Activated, stack=DEFAULT))
    assert first.changed_fields() & second.changed_fields()
