"""Random commands in any order: the past never changes, and follows from the log."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from replay import assert_consistent
from workspaces import OPERATOR, STORE, position

from stackfold.domain.errors import StackfoldError
from stackfold.infrastructure.workspace import Workspace

NAME = st.sampled_from("abc")
TEXT = st.sampled_from(["", "x", "y"])
LABELS = st.dictionaries(st.sampled_from("kl"), st.none() | TEXT, max_size=2)
TYPE = st.sampled_from([STORE, OPERATOR])
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "artifact_store": st.sampled_from(["default", "a", "b"]),
        "step_operator": st.lists(NAME, max_size=3),
    },
)
COMMANDS = st.one_of(
    st.tuples(st.just("register"), TYPE, NAME, TEXT),
    st.tuples(st.just("update"), TYPE, NAME, TEXT, LABELS),
    st.tuples(st.just("remove_attributes"), TYPE, NAME),
    st.tuples(st.just("rename"), TYPE, NAME, NAME),
    st.tuples(st.just("delete"), TYPE, NAME),
    st.tuples(st.just("compose"), NAME, PARTS, st.booleans()),
    st.tuples(st.just("recompose"), NAME, PARTS, LABELS, st.booleans()),
    st.tuples(st.just("set_default"), NAME, NAME),
    st.tuples(st.just("remove"), NAME, NAME),
    st.tuples(st.just("rename_stack"), NAME, NAME),
    st.tuples(st.just("copy_stack"), NAME, NAME),
    st.tuples(st.just("delete_stack"), NAME, st.booleans()),
    st.tuples(st.just("activate"), NAME | st.just("default")),
    st.tuples(st.just("undo")),
)


def do(ws, command):  # noqa: PLR0912 one case for each command
    components, stacks = ws.components, ws.stacks
    match command:
        case "register", type, name, text:
            configuration = {"path": text} if text and type is STORE else {}
            components.register(type, name, "local", configuration)
        case "update", type, name, text, labels:
            configuration = {"path": text} if text and type is STORE else {}
            components.update(type, name, configuration, labels)
        case "remove_attributes", type, name:
            components.remove_attributes(type, name, ["path"])
        case "rename", type, name, new:
            components.rename(type, name, new)
        case "delete", type, name:
            components.delete(type, name)
        case "compose", name, parts, activate:
            needed = {"orchestrator": "default", "artifact_store": "default"}
            stacks.register(name, **{**needed, **parts}, activate=activate)
        case "recompose", name, parts, labels, add:
            stacks.update(name, **parts, labels=labels, add=add)
        case "set_default", name, operator:
            stacks.set_default(name, {OPERATOR: operator})
        case "remove", name, operator:
            stacks.remove_components(name, {OPERATOR: [operator]})
        case "rename_stack", name, new:
            stacks.rename(name, new)
        case "copy_stack", name, new:
            stacks.copy(name, new)
        case "delete_stack", name, recursive:
            stacks.delete(name, recursive=recursive)
        case "activate", name:
            stacks.activate(name)
        case ("undo",):
            ws.undo()


def everything(ws, asked=None):
    components = [ws.components.list(type, as_of=asked) for type in (STORE, OPERATOR)]
    return ws.stacks.list(as_of=asked), components


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(COMMANDS, max_size=25))
def test_a_position_always_shows_the_same_state_which_follows_from_the_log(commands):
    with Workspace.in_memory() as ws:
        seen = {position(ws): everything(ws)}
        for command in commands:
            with suppress(StackfoldError):
                do(ws, command)
            now = position(ws)
            if now in seen:
                assert everything(ws) == seen[now], "a rejected command changed something"
            seen[now] = everything(ws)
        assert {asked: everything(ws, asked) for asked in seen} == seen
        assert_consistent(ws)
