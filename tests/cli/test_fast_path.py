"""The fast path prints what typer would: same output, same messages, same exit code."""

import pytest
from command_line import without_fast_path
from history.homes import append, deployment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackfold.cli.fast_path import commands, try_fast_path
from stackfold.cli.render import Format
from stackfold.infrastructure.workspace import Workspace

COMMANDS = [list(words) for words, _ in commands()]
FORMATS = [[], *(["--output", form] for form in Format), ["--output=json"]]
NAMES = ["default", "mine", "min", "churn", "nope", "d", "päck", "", "-", "a b", "#1", "0"]
OPTIONS = ["--output", "--output=", "--output=csv", "--out", "json", "xml", "-o", "--help", "--"]


@pytest.fixture
def populated(cli):
    """A command line with at least one row for most of the commands."""
    for type in ("container-registry", "step-operator"):
        flavor = "default" if type == "container-registry" else "local"
        uri = ["--uri=x"] if type == "container-registry" else []
        cli.ok(type, "register", "mine", "--flavor", flavor, *uri, "--label", "a=b")
    cli.ok("stack", "register", "mine", "-o", "default", "-a", "default", "-s", "mine", "--set")
    with Workspace.open() as ws:
        append(ws, *deployment()[:2])  # one that failed
    return cli


@pytest.mark.parametrize("form", FORMATS, ids=" ".join)
def test_every_command_prints_what_it_prints_through_typer(populated, form):
    lines = [[*words, *form] for words in COMMANDS]
    named = {"stack": "default", "step-operator": "mine", "deployment": "churn"}
    for verb in ("describe", "history"):
        lines += [[noun, verb, name, *form] for noun, name in named.items()]
    fast = [populated(*words) for words in lines]
    with without_fast_path():
        assert fast == [populated(*words) for words in lines]


@st.composite
def command_lines(draw):
    """A command of the fast path, often followed by a name and options, sometimes damaged."""
    words = [*draw(st.sampled_from([*COMMANDS, ["deployment", "describe"]]))]
    words += draw(st.lists(st.sampled_from(NAMES), max_size=1))
    words += draw(st.one_of(st.sampled_from(FORMATS), st.lists(st.sampled_from(OPTIONS))))
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(words) - 1))
        words[place : place + draw(st.integers(0, 1))] = draw(
            st.lists(st.sampled_from([*NAMES, *OPTIONS, "list", "stack"]), max_size=1)
        )
    return words


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=command_lines())
def test_any_command_line_does_what_it_does_through_typer(populated, words):
    fast = populated(*words)
    with without_fast_path():
        assert fast == populated(*words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["stack"],
        ["stack", "list", "--name", "x"],
        ["stack", "list", "default"],
        ["stack", "get", "default"],
        ["stack", "describe", "one", "two"],
        ["stack", "describe", ""],
        ["stack", "describe", "--help"],
        ["stack", "list", "--output"],
        ["stack", "list", "--output", "xml"],
        ["stack", "list", "--output", "json", "--output", "json"],
        ["run", "describe", "x"],
        ["deployment", "describe"],
        ["stack", "set", "default"],
    ],
    ids=" ".join,
)
def test_other_command_lines_are_left_to_typer(words):
    assert not try_fast_path(words)
