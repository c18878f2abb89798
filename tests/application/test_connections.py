"""`stack check --connect`: what the components of a stack connect to, asked for once."""

import importlib
import sys
from pathlib import Path

import pytest
from workspaces import STORE, stack

from stackfold.application.stacks import connections


@pytest.fixture
def asked(monkeypatch):
    """The flavors of `own_connections`, which can be imported, that were asked."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent)])
    found = importlib.import_module("own_connections").ASKED
    found.clear()
    return found


@pytest.fixture
def stack_with(ws, asked):
    """A function that makes a stack with an artifact store of a flavor of `own_connections`."""

    def made(flavor):
        ws.flavors.register(STORE, f"own_connections.{flavor}")
        ws.components.register(STORE, "lake", flavor.lower())
        stack(ws, "prod", artifact_store="lake")
        return ws.stacks

    return made


def test_without_connecting_nothing_is_asked(stack_with, asked):
    assert list(stack_with("Shut").check("prod")) == []
    assert asked == []


def test_what_can_be_used_is_no_problem(stack_with, asked):
    assert list(stack_with("Open").check("prod", connect=True)) == []
    assert asked == ["open"]


def test_what_cannot_be_used_is_told_with_where_to_look(stack_with):
    (found,) = stack_with("Shut").check("prod", connect=True)
    assert tuple(found) == (
        "artifact store 'lake': the artifact store at shut:// cannot be used: nothing answers",
        "check its configuration: `stackfold artifact-store describe lake`",
    )


def test_whatever_a_flavor_raises_is_one_line(stack_with):
    (found,) = stack_with("Odd").check("prod", connect=True)
    assert found.problem == "artifact store 'lake': ValueError: two lines"


def test_what_never_answers_is_given_up(stack_with, monkeypatch):
    monkeypatch.setattr(connections.unreachable, "__defaults__", (0.2,))
    (found,) = stack_with("Silent").check("prod", connect=True)
    assert found.problem == "artifact store 'lake': it did not answer within 0.2 seconds"


def test_the_default_stack_needs_nothing_else(ws):
    assert list(ws.stacks.check("default", connect=True)) == []


def test_a_local_store_whose_place_is_a_file_cannot_be_used(ws, tmp_path):
    (tmp_path / "file").touch()
    ws.components.register(STORE, "lake", "local", {"path": str(tmp_path / "file" / "store")})
    stack(ws, "prod", artifact_store="lake")
    (found,) = ws.stacks.check("prod", connect=True)
    assert found.problem.endswith(f"cannot be used: {tmp_path}/file is not a folder")
