from importlib.metadata import requires

import pytest

from stackfold.cli.app import command
from stackfold.cli.reference import leaves, reference
from stackfold.cli.typer_ext import LazyGroup
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

LEAVES = list(leaves(command()))
CHANGES = {
    "register", "update", "remove-attribute", "rename", "copy", "delete", "set",
    "set-default", "remove-component", "init", "revert", "restore", "undo",
    "tag", "resume", "rerun", "save", "promote", "rollback", "clear", "gate", "pause",
}  # fmt: skip
REVISED = {
    "update", "remove-attribute", "rename", "copy", "delete", "set-default", "remove-component",
    "revert", "restore", "start", "stop", "promote", "rollback", "clear", "gate", "traffic",
    "unfollow", "pause", "resume", "record",
}  # fmt: skip
QUESTIONS = {
    "list",
    "describe",
    "get",
    "status",
    "whoami",
    "doctor",
    "version",
    "history",
    "compare",
    "diff",
    "head",
    "lineage",
    "show",
    "check",
    "collect",
    "drift",
    "requests",
}
each_command = pytest.mark.parametrize(
    ("names", "made"), LEAVES, ids=[" ".join(names) for names, _ in LEAVES]
)


@each_command
def test_every_command_and_option_has_help(names, made):
    assert made.help.endswith("."), names
    for parameter in made.params:
        assert (parameter.help or "").endswith("."), parameter.name


@each_command
def test_every_command_that_writes_takes_a_reason(names, made):
    options = {name for parameter in made.params for name in parameter.opts}
    more = {("pipeline", "run"), ("stack", "import")}
    more |= {("deployment", verb) for verb in ("deploy", "start", "stop", "traffic")}
    more |= {("deployment", verb) for verb in ("follow", "unfollow", "record", "requests")}
    more |= {("policy", verb) for verb in ("enable", "disable")} | {("artifact", "alias")}
    more |= {("artifact", "annotate"), ("schedule", "create")}
    changes = names[-1] in CHANGES or names in more
    # Secrets are no part of the log, so nothing could keep the reason.
    assert ({"-m", "--message"} <= options) == (changes and names[0] != "secret")


@each_command
def test_every_change_of_a_revision_can_expect_one(names, made):
    options = {name for parameter in made.params for name in parameter.opts}
    revised = names[-1] in REVISED and names[0] not in {"secret", "run", "artifact", "log"}
    assert ("--expected-revision" in options) == revised
    assert ("--expected-position" in options) == (names[-1] in {"undo", "set"})


@each_command
def test_every_read_command_has_every_output_format(names, made):
    options = {name for parameter in made.params for name in parameter.opts}
    assert ("--output" in options) == (names[-1] in QUESTIONS)


@each_command
def test_every_revert_has_a_dry_run(names, made):
    options = {name for parameter in made.params for name in parameter.opts}
    tried = {"revert", "restore", "undo", "prune", "install"}
    more = {("pipeline", "run"), ("pipeline", "build"), ("deployment", "deploy")}
    more |= {("policy", "enable"), ("deployment", "update")}
    assert ("--dry-run" in options) == (names[-1] in tried or names in more)


@each_command
def test_help_is_shown(cli, names, made):
    shown = cli.ok(*names, "--help")
    assert shown.startswith(f"Usage: stackfold {' '.join(names)} ")
    assert shown.endswith("\n")


OF_TYPES = {
    ComponentType.ALERTER: {"ask", "post"},
    ComponentType.ANNOTATOR: {"dataset"},
    ComponentType.DATA_VALIDATOR: {"check", "compare", "profile"},
    ComponentType.FEATURE_STORE: {
        "features",
        "materialize",
        "online",
        "training-frame",
        "version",
        "views",
    },
    ComponentType.MODEL_REGISTRY: {"check", "publish", "sync", "versions", "withdraw"},
}
"""Component type → the commands that only it has."""


@pytest.mark.parametrize("type", ComponentType)
def test_every_component_type_has_the_same_commands(type):
    group = command().load(type.command)
    of_type = OF_TYPES.get(type, set())
    assert of_type <= {*group.entries}
    shared = [each for each in group.entries if each not in of_type]
    assert [*shared, *group.load("flavor").entries] == [
        "list", "describe", "get", "register", "update", "remove-attribute", "rename", "copy",
        "delete", "history", "revert", "restore",
        "flavor", "list", "describe", "register", "delete",
    ]  # fmt: skip


def test_help_texts_have_the_nouns_of_types(cli):
    shown = cli.ok("--help")
    assert "change container registries." in shown
    assert "change alerters." in shown
    assert "Describe" not in cli.ok("alerter", "--help")
    assert "details of an alerter." in cli.ok("alerter", "describe", "--help")


@pytest.mark.parametrize("words", [[], ["stack"], ["alerter", "flavor"]], ids=str)
def test_a_group_alone_shows_its_help_as_wrong_usage(cli, words):
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(" ".join(["Usage: stackfold", *words]))


@pytest.mark.skipif(
    "pydantic" in str(requires("typer")),
    reason="written with Typer below 0.29: docs/decisions/0065",
)
def test_the_reference_is_current(request):
    written = (request.config.rootpath / "docs" / "cli.md").read_text()
    assert written == reference(), "run `make reference`"


def test_a_name_may_follow_the_attributes(cli):
    cli.ok("artifact-store", "register", "-f", "local", "--path", "x", "--label", "a=b", "mine")
    assert cli.json("artifact-store", "describe", "mine")["configuration"] == {"path": "x"}


def test_the_name_of_an_attribute_may_have_hyphens(cli):
    answer = cli.fails("artifact-store", "register", "mine", "-f", "local", "--some-path=x")
    assert "some_path: no such attribute" in answer


def test_a_value_may_start_with_a_hyphen_or_contain_an_equals_sign(cli):
    cli.ok("artifact-store", "register", "mine", "-f", "local", "--path", "-x=y")
    assert cli.json("artifact-store", "describe", "mine")["configuration"] == {"path": "-x=y"}


def test_a_flag_may_be_repeated(cli):
    cli.ok("stack", "register", "a", "-o", "default", "-a", "default", "--set", "--set")


def test_a_reason_is_recorded(cli):
    cli.ok("orchestrator", "register", "a", "-f", "local", "-m", "to try it")
    with Workspace.open() as workspace:
        (entry,) = workspace._services.history.of(cli.json("orchestrator", "describe", "a")["id"])
    assert (entry.why, entry.by) == ("to try it", "ada@example.com")


def test_arguments_that_are_not_utf8_are_an_error(cli):
    assert "UTF-8" in cli.fails("stack", "set", "caf\udce9", code=2)


def test_groups_are_built_on_first_use():
    group = command()
    assert isinstance(group, LazyGroup)
    assert {"stack", "orchestrator", "run"} <= set(group.list_commands(None))


@each_command
def test_every_list_takes_a_limit_in_both_spellings(names, made):
    options = {name for parameter in made.params for name in parameter.opts}
    if names[-1] in {"list", "history"}:
        assert {"-n", "--limit"} <= options


@each_command
def test_output_has_a_short_form(names, made):
    options = {name for parameter in made.params for name in parameter.opts}
    # `-o` is the orchestrator where a stack is composed, and the file in exports and reports.
    assert "--output" not in options or "-o" in options


def test_a_list_without_pages_says_that_there_is_more(cli):
    answer = cli("integration", "list", "-n", "2", "--output", "csv")
    assert len(answer.out.splitlines()) == 3
    assert answer.err == "note: more rows exist: raise --limit\n"
