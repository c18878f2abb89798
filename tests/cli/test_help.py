"""Help: grouped by purpose, whole sentences, and nothing twice, at every width."""

from collections.abc import Iterator

import pytest

from stackfold.cli.aliases import aliases_of
from stackfold.cli.app import command
from stackfold.cli.help_sections import sections
from stackfold.cli.reference import leaves
from stackfold.cli.typer_ext import LazyGroup


def groups(
    group: LazyGroup, names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], LazyGroup]]:
    yield names, group
    for name in group.entries:
        made = group.load(name)
        if isinstance(made, LazyGroup):
            yield from groups(made, (*names, name))


GROUPS = [*groups(command())]
LEAVES = [*leaves(command())]
each_group = pytest.mark.parametrize(
    ("names", "group"), GROUPS, ids=[" ".join(("stackfold", *names)) for names, _ in GROUPS]
)
each_command = pytest.mark.parametrize(
    ("names", "made"), LEAVES, ids=[" ".join(names) for names, _ in LEAVES]
)
at_each_width = pytest.mark.parametrize("columns", [80, 140])


def shown_at(cli, columns, monkeypatch, *words):
    """The help of a command, and the help with every run of white space as one space."""
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = cli.ok(*words, "--help")
    return shown, " ".join(shown.split())


@at_each_width
@each_group
def test_the_help_of_a_group_says_all_of_each_command(cli, monkeypatch, columns, names, group):
    shown, words = shown_at(cli, columns, monkeypatch, *names)
    for name, entry in group.entries.items():
        assert f"{name} {' '.join(entry.help.split())}" in words
    assert "..." not in shown.partition("\n\n")[2]
    assert max(map(len, shown.splitlines())) <= columns


@at_each_width
@each_command
def test_the_help_of_a_command_says_all_of_each_option(cli, monkeypatch, columns, names, made):
    shown, words = shown_at(cli, columns, monkeypatch, *names)
    assert " ".join(made.help.split()) in words
    for parameter in made.params:
        assert " ".join((parameter.help or "").split()) in words
    assert max(map(len, shown.splitlines())) <= columns


@each_group
def test_a_group_lists_each_command_once(names, group):
    listed = [name for _, found in sections(group.name, [*group.entries]) for name in found]
    assert sorted(listed) == sorted(group.entries)


@each_group
def test_aliases_are_one_line_of_the_help_and_no_commands(cli, names, group):
    aliases = aliases_of(group.name, group.entries)
    assert not set(aliases) & set(group.entries)
    shown = " ".join(cli.ok(*names, "--help").split())
    for alias, meant in aliases.items():
        assert shown.count(f"{alias} ({meant})") == 1


def test_the_root_shows_commands_by_purpose(cli):
    shown = cli.ok("--help")
    titles = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert titles == [
        "Options:", "Start:", "Compose stacks:", "Run and serve:", "See and control changes:",
        "Configure components, by type:",
    ]  # fmt: skip


def test_a_large_group_shows_commands_by_purpose(cli):
    shown = cli.ok("stack", "--help")
    assert shown.index("Look:") < shown.index("Change:") < shown.index("Go back:")
    assert shown.index("Go back:") < shown.index("  revert ") < shown.index("Copy:")


@pytest.mark.parametrize("words", [["-h"], ["help"], ["--help"]], ids=str)
def test_help_has_several_names(cli, words):
    assert cli.ok(*words) == cli.ok("--help")
