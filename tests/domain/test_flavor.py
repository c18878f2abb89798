"""Flavor: an implementation of a component type, registered by a user."""

import pytest

from stackfold.domain.errors import InvalidName, NotDeleted, NotFound, NothingToChange
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.flavor import Flavor
from stackfold.testing import event, given, past

FACTS = {
    "type": ComponentType.ALERTER,
    "name": "pager",
    "source": "acme.alerts.Pager",
    "summary": "Wakes people up.",
    "configuration_schema": {"type": "object", "properties": {}},
}

registered = event(Flavor.Registered, **FACTS)
deleted = event(Flavor.Deleted)


def test_a_flavor_is_registered():
    flavor = given(Flavor).when(lambda kind: kind.register(**FACTS)).then(registered)
    assert flavor.kind == "alerter flavor"


@pytest.mark.parametrize("name", ["", "a b", "-dash"])
def test_the_rule_for_names_holds_for_flavors_too(name):
    given(Flavor).when(lambda kind: kind.register(**{**FACTS, "name": name})).rejected(
        InvalidName, "cannot name an alerter flavor"
    )


def test_a_flavor_is_deleted():
    assert given(Flavor, registered).when(lambda f: f.delete()).then(deleted).deleted


def test_a_deleted_flavor_cannot_be_deleted_again():
    given(Flavor, registered, deleted).when(lambda f: f.delete()).rejected(
        NotFound, "there is no alerter flavor 'pager'"
    )


def test_a_flavor_never_changes_so_there_is_nothing_to_revert():
    given(Flavor, registered).when(lambda f: f.revert(past(registered))).rejected(
        NothingToChange, "unchanged"
    )


def test_a_deleted_flavor_is_restored():
    flavor = (
        given(Flavor, registered, deleted)
        .when(lambda f: f.restore(past(registered)))
        .then(event(Flavor.Restored, **FACTS))
    )
    assert not flavor.deleted


def test_only_what_is_deleted_can_be_restored():
    given(Flavor, registered).when(lambda f: f.restore(past(registered))).rejected(
        NotDeleted, "is not deleted"
    )
