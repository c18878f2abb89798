"""Reverting creates a new revision that equals an old one, or fails without any change."""

import pytest
from history import own_flavors
from history.homes import ALERTER, changes, rejected, state, summaries
from workspaces import OPERATOR, STORE, names, stack, store

from stackfold.application import ports
from stackfold.domain.errors import (
    AsOfOutOfRange,
    ComponentDeleted,
    DidNotExistAt,
    IncompatibleConfiguration,
    NameTaken,
    NeedsConfirmation,
    NoSuchRevision,
    NotFound,
    NothingToChange,
    Protected,
)
from stackfold.domain.stacks.component_type import ComponentType


def at(ws, revision):
    """The stack as it was at a revision."""
    found = next(entry for entry in ws.stacks.history("prod") if entry.revision == revision)
    return ws.stacks.get(found.id, as_of=found.position)


# -- a stack


def test_without_a_revision_the_last_change_is_reverted(ws, prod):
    before = at(ws, 2)
    (entry,) = ws.stacks.revert("prod", why="too early")
    assert (entry.action, entry.why, entry.revision) == ("reverted", "too early", 4)
    assert changes(entry) == {"name": ("prod", "first")}
    view = ws.stacks.get("first")
    assert state(view) == state(before)
    assert (view.id, view.revision, view.created) == (prod.id, 4, prod.created)


@pytest.mark.parametrize("revision", [1, 2])
def test_reverting_to_a_revision(ws, prod, revision):
    before = at(ws, revision)
    ws.stacks.revert("prod", to=revision)
    assert state(ws.stacks.get(prod.id)) == state(before)
    assert ws.stacks.get(prod.id).revision == 4


def test_reverting_to_a_point_in_the_past(ws, prod):
    position = ws.log.head().position - 1
    before = ws.stacks.get(prod.id, as_of=position)
    stack(ws, "other")
    for as_of in (position, f"#{position}", before.updated):
        ws.stacks.revert(prod.id, as_of=as_of)
        assert state(ws.stacks.get(prod.id)) == state(before)
        ws.stacks.rename(prod.id, "prod")


def test_a_revert_is_a_new_revision_in_the_history(ws, prod):
    earlier = ws.stacks.history("prod")
    ws.stacks.revert("prod", to=1)
    assert ws.stacks.history("first")[1:] == earlier


def test_a_revert_can_be_reverted(ws, prod):
    ws.stacks.revert("prod", to=1)
    ws.stacks.revert("first")
    assert state(ws.stacks.get("prod")) == state(prod)
    assert ws.stacks.get("prod").revision == 5


def test_a_reverted_active_stack_stays_active(ws, prod):
    ws.stacks.activate("prod")
    ws.stacks.revert("prod", to=1)
    assert ws.stacks.get().name == "first"


def test_reverting_to_the_current_state_is_rejected(ws, prod):
    with rejected(ws, NothingToChange, "stack 'prod' unchanged, revision 3"):
        ws.stacks.revert("prod", to=3)
    stack(ws, "new")
    with rejected(ws, NothingToChange, "stack 'new' unchanged, revision 1"):
        ws.stacks.revert("new")


@pytest.mark.parametrize("revision", [0, -1, 4, 10**12])
def test_a_revision_that_never_existed_is_rejected(ws, prod, revision):
    with rejected(ws, NoSuchRevision, f"no revision {revision}: give one from 1 to 3"):
        ws.stacks.revert("prod", to=revision)


def test_a_time_at_which_the_stack_did_not_exist_is_rejected(ws, prod):
    with rejected(ws, DidNotExistAt, "stack 'prod' did not exist as of #5: see its history"):
        ws.stacks.revert("prod", as_of=5)
    with rejected(ws, AsOfOutOfRange, "the log has no state as of #99"):
        ws.stacks.revert("prod", as_of="#99")


def test_the_revision_of_a_deletion_is_rejected(ws, prod):
    ws.stacks.delete("prod")
    ws.stacks.restore("prod")
    with rejected(ws, DidNotExistAt, "stack 'prod' did not exist as of #9"):
        ws.stacks.revert("prod", to=4)
    with rejected(ws, DidNotExistAt, "stack 'prod' did not exist as of #9"):
        ws.stacks.revert("prod")


def test_the_default_stack_and_components_cannot_be_reverted(ws):
    for with_components in (False, True):
        with rejected(ws, (Protected, NothingToChange), "stack 'default'"):
            ws.stacks.revert("default", to=1, with_components=with_components)
    with rejected(ws, (Protected, NothingToChange), "artifact store 'default'"):
        ws.components.revert(STORE, "default", to=1)


# -- what cannot be reverted is rejected as a whole, with a hint


def test_a_former_name_must_not_be_in_use(ws, prod):
    stack(ws, "first")
    with rejected(ws, NameTaken, "a stack named 'first' exists already: rename or delete that one"):
        ws.stacks.revert("prod", to=1)
    ws.stacks.rename("first", "second")
    ws.stacks.revert("prod", to=1)
    assert ws.stacks.get("first").id == prod.id


def test_a_stack_whose_former_component_was_deleted_cannot_be_reverted(ws, prod):
    ws.stacks.update("prod", artifact_store="default")
    ws.components.rename(STORE, "shared", "common")
    ws.components.delete(STORE, "common")
    with rejected(
        ws,
        ComponentDeleted,
        "artifact store 'common', which stack 'prod' contained then, was deleted: restore it "
        "first, or revert the components too",
    ):
        ws.stacks.revert("prod", to=3)
    ws.components.restore(STORE, "common")
    ws.stacks.revert("prod", to=3)
    assert ws.stacks.get("prod").components["artifact_store"] == ["common"]


def test_a_configuration_that_the_flavor_no_longer_accepts_is_rejected(ws, monkeypatch):
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "a", "pager", {"level": 1})
    stack(ws, "prod", alerter="a")
    ws.components.remove_attributes(ALERTER, "a", ["level"])

    class Newer(own_flavors.Pager):
        """The next version of it, which knows no levels."""

        class Configuration(ports.Configuration):
            to: str = ""

    monkeypatch.setattr(own_flavors, "Pager", Newer)
    says = r"alerter 'a' cannot be restored, as its configuration no longer fits .*level"
    with rejected(ws, IncompatibleConfiguration, says):
        ws.components.revert(ALERTER, "a", to=1)
    with rejected(ws, IncompatibleConfiguration, "give it another configuration"):
        ws.undo()
    with rejected(ws, IncompatibleConfiguration, "alerter 'a' cannot be restored"):
        ws.stacks.revert("prod", to=1, with_components=True)


def test_a_component_of_a_deleted_flavor_cannot_be_reverted(ws):
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "a", "pager")
    ws.components.delete(ALERTER, "a")
    ws.flavors.delete(ALERTER, "pager")
    with rejected(
        ws, IncompatibleConfiguration, "alerter 'a' .*there is no alerter flavor 'pager'"
    ):
        ws.components.restore(ALERTER, "a")
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.restore(ALERTER, "a")
    assert names(ws.components.list(ALERTER)) == ["a"]


def test_a_deleted_stack_cannot_be_reverted(ws, prod):
    ws.stacks.delete("prod")
    with rejected(ws, NotFound, "there is no stack 'prod'"):
        ws.stacks.revert("prod", to=1)


# -- with the components


@pytest.fixture
def busy(ws, prod):
    """A stack `prod` with three components, all changed after the position `ws.then`."""
    for name in ("a", "b"):
        ws.components.register(OPERATOR, name, "local")
    ws.stacks.update("prod", step_operator=["a", "b"])
    then = ws.log.head().position
    ws.components.update(STORE, "shared", {"path": "/two"}, {"disk": "fast"})
    ws.stacks.set_default("prod", {OPERATOR: "b"})
    ws.components.rename(OPERATOR, "a", "z")
    ws.stacks.update("prod", description="mistaken")
    return then


def test_with_components_their_configuration_is_reverted_too(ws, busy):
    before = ws.stacks.get("prod", as_of=busy)
    done = ws.stacks.revert("prod", as_of=busy, with_components=True, why="all of it")
    assert summaries(done) == [
        "artifact_store shared reverted",
        "step_operator a reverted",
        "stack prod reverted",
    ]
    assert {entry.change for entry in done} == {done[0].position}
    assert {entry.why for entry in done} == {"all of it"}
    assert state(ws.stacks.get("prod")) == state(before)
    assert before.components["step_operator"] == ["a", "b"]
    view = ws.components.get(STORE, "shared")
    assert (view.configuration, view.labels, view.revision) == ({"path": "/one"}, {}, 3)
    assert ws.components.get(OPERATOR, "b").revision == 1, "what is as it was stays"


def test_without_components_only_the_stack_is_reverted(ws, busy):
    (entry,) = ws.stacks.revert("prod", as_of=busy)
    assert entry.kind == "stack"
    assert ws.components.get(STORE, "shared").configuration == {"path": "/two"}
    assert ws.stacks.get("prod").components["step_operator"] == ["z", "b"]


def test_with_components_a_deleted_component_is_restored(ws, busy):
    ws.stacks.remove_components("prod", {OPERATOR: ["b"]})
    ws.components.delete(OPERATOR, "b")
    done = ws.stacks.revert("prod", as_of=busy, with_components=True)
    assert "step_operator b restored" in summaries(done)
    assert ws.stacks.get("prod").components["step_operator"] == ["a", "b"]


def test_only_components_are_reverted_if_the_stack_is_unchanged(ws, prod):
    then = ws.log.head().position
    ws.components.update(STORE, "shared", {"path": "/two"})
    assert summaries(ws.stacks.revert("prod", as_of=then, with_components=True)) == [
        "artifact_store shared reverted"
    ]
    assert ws.stacks.get("prod").revision == 3
    with rejected(ws, NothingToChange, "stack 'prod' unchanged"):
        ws.stacks.revert("prod", as_of=then, with_components=True)


@pytest.mark.parametrize("values", [(1, True), (1.0, 1), ([0], [False])])
def test_a_value_of_another_type_is_another_value(ws, values):
    before, after = values
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "a", "pager", {"to": before})
    stack(ws, "prod", alerter="a")
    then = ws.log.head().position
    for revert in (
        lambda: ws.stacks.revert("prod", as_of=then, with_components=True),
        lambda: ws.components.revert(ALERTER, "a"),
    ):
        ws.components.update(ALERTER, "a", {"to": after})
        revert()
        assert repr(ws.components.get(ALERTER, "a").configuration) == repr({"to": before})


def test_changes_of_components_in_other_stacks_must_be_confirmed(ws, busy):
    for name in ("other", "another"):
        stack(ws, name, artifact_store="shared")
    says = (
        "artifact store 'shared' is also used by 'another', 'other' and would change there too: "
        "confirm it"
    )
    for dry_run in (True, False):
        with rejected(ws, NeedsConfirmation, says):
            ws.stacks.revert("prod", as_of=busy, with_components=True, dry_run=dry_run)
    ws.stacks.revert("prod", as_of=busy, with_components=True, confirmed=True)
    assert ws.components.get(STORE, "shared").configuration == {"path": "/one"}


def test_unchanged_components_in_other_stacks_need_no_confirmation(ws, busy):
    stack(ws, "other", step_operator="b")
    ws.stacks.revert("prod", as_of=busy, with_components=True)
    stack(ws, "another", artifact_store="shared")
    ws.stacks.revert("prod", to=1)


def test_a_former_name_of_a_component_must_not_be_in_use(ws, busy):
    ws.components.register(OPERATOR, "a", "local")
    with rejected(ws, NameTaken, "a step operator named 'a' exists already: rename or delete that"):
        ws.stacks.revert("prod", as_of=busy, with_components=True)


# -- a component


def test_reverting_a_component(ws):
    store(ws, "shared", path="/one")
    ws.components.update(STORE, "shared", {"path": "/two"}, {"disk": "fast"})
    ws.components.remove_attributes(STORE, "shared", ["path"])
    ws.components.rename(STORE, "shared", "common")
    id = ws.components.get(STORE, "common").id
    for revision, expected in (
        (2, ("shared", {"path": "/two"}, {"disk": "fast"})),
        (1, ("shared", {"path": "/one"}, {})),
        (4, ("common", {}, {"disk": "fast"})),
    ):
        (entry,) = ws.components.revert(STORE, id, to=revision)
        assert entry.action == "reverted"
        view = ws.components.get(STORE, id)
        assert (view.name, view.configuration, view.labels) == expected
        assert view.revision == entry.revision
    assert view.revision == 7


def test_a_type_may_be_given_as_text(ws):
    store(ws, "shared", path="/one")
    ws.components.update("artifact_store", "shared", {"path": "/two"})
    ws.components.revert("artifact_store", "shared")
    ws.components.delete("artifact_store", "shared")
    ws.components.restore("artifact_store", "shared")
    assert ws.components.get(ComponentType.ARTIFACT_STORE, "shared").revision == 5


# -- dry runs


@pytest.mark.parametrize(
    "command",
    [
        lambda ws, then, **how: ws.stacks.revert("prod", to=1, **how),
        lambda ws, then, **how: ws.stacks.revert("prod", as_of=then, with_components=True, **how),
        lambda ws, then, **how: ws.components.revert(STORE, "shared", to=1, **how),
        lambda ws, then, **how: ws.components.restore(ALERTER, "gone", **how),
        lambda ws, then, **how: ws.stacks.restore("gone", **how),
        lambda ws, then, **how: ws.undo(**how),
    ],
)
def test_a_dry_run_shows_the_result_and_records_nothing(ws, busy, command):
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "gone", "pager", {"to": "x"})
    ws.components.delete(ALERTER, "gone")
    stack(ws, "gone", description="x")
    ws.stacks.delete("gone")
    head, listed = ws.log.head(), ws.stacks.list()
    shown = command(ws, busy, dry_run=True, why="to see")
    assert (ws.log.head(), ws.stacks.list()) == (head, listed)
    assert ws.log.verify().intact
    done = command(ws, busy, why="to see")
    assert [entry._replace(when="") for entry in shown] == [
        entry._replace(when="") for entry in done
    ]
    assert ws.log.head().position == head.position + len(done)
