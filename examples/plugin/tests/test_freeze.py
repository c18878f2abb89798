"""Freezes: the aggregate by its events, and the policy in a workspace."""

import pytest

from stackfold import Workspace
from stackfold.errors import Forbidden, NotFound
from stackfold.testing import event, given
from stackfold_acme.freeze import Freeze

declared = event(Freeze.Declared, name="release", team="vision")


def test_a_freeze_is_declared() -> None:
    given(Freeze).when(lambda cls: cls.declare("release", "vision")).then(declared)


def test_a_freeze_is_lifted() -> None:
    given(Freeze, declared).when(lambda freeze: freeze.lift()).then(event(Freeze.Lifted))


def test_a_freeze_is_lifted_once() -> None:
    lifting = given(Freeze, declared, event(Freeze.Lifted)).when(lambda freeze: freeze.lift())
    lifting.rejected(NotFound)


@pytest.fixture
def frozen(stackfold_workspace: Workspace) -> Workspace:
    """A workspace with the stacks of two teams, one of which has a freeze."""
    ws = stackfold_workspace
    for team in ("vision", "speech"):
        ws.stacks.copy("default", team)
        ws.stacks.update(team, labels={"team": team})
    ws.repository.save(Freeze.declare("release", "vision"), why="Release 7")
    return ws


def test_a_policy_binds_nobody_until_it_is_enabled(frozen: Workspace) -> None:
    frozen.stacks.rename("vision", "eyes")


def test_frozen_stacks_stay_as_they_are(frozen: Workspace) -> None:
    frozen.policies.enable("acme-freeze", "Decided by the teams")

    with pytest.raises(Forbidden, match="stack 'vision' is frozen by 'release'"):
        frozen.stacks.rename("vision", "eyes")
    with pytest.raises(Forbidden):
        frozen.stacks.delete("vision")
    frozen.stacks.rename("speech", "ears")
    frozen.stacks.register("other", orchestrator="default", artifact_store="default")


def test_a_lifted_freeze_binds_nobody(frozen: Workspace) -> None:
    frozen.policies.enable("acme-freeze", "Decided by the teams")
    frozen.aggregates(Freeze).change("release", lambda freeze: freeze.lift())

    frozen.stacks.rename("vision", "eyes")

    assert frozen.aggregates(Freeze).list() == []
    lifted, begun = frozen.aggregates(Freeze).history("release")
    assert (begun.action, begun.why, lifted.action) == ("declared", "Release 7", "lifted")
