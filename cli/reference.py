"""Writes the command reference: `python -m stackfold.cli.reference > docs/cli.md`.

One component type stands for all in the commands that all of them have.
"""

import sys
from collections.abc import Iterator
from textwrap import fill
from typing import Any

from stackfold.cli.app import command
from stackfold.cli.typer_ext import LazyGroup
from stackfold.domain.stacks.component_type import ComponentType

_SHOWN = ComponentType.ARTIFACT_STORE

INTRODUCTION = f"""\
# The command line

Generated from the commands by `make reference`; do not edit.

Every command has `--help` and `-h`; `stackfold help run list` is `stackfold run list --help`. Other
words for commands work too: `ls` for `list`, `show` for `describe` (of an artifact its content),
`rollback` for `revert`, `rm` for `delete`, and `stack activate` for `stack set`. `-n` and `--limit`
set the number of rows of a list.

NAME is a name, an id, or a unique prefix of either. Every command that records a change takes
`-m TEXT`, the reason, which is recorded with it; a command that would change nothing records
nothing and says so. Options are given once, unless marked as repeatable.

Exit codes: 0 success, 1 error, 2 wrong usage; an error is one line on stderr. `--output table` is
for people: on a terminal in colour (unless NO_COLOR is set) and with times relative to now,
elsewhere with exact times. `json`, `yaml`, `csv` and `tsv` have all fields. `-o` is short for
`--output`, but in `stack register` and `stack update` for `--orchestrator`. Filters such as
`--name` match an equal value, or take a prefix: `contains:`, `startswith:`, `endswith:` or
`oneof:A,B`.

Every component type has the commands shown here for `{_SHOWN.command}`, and some have more. The
other types:
{fill(", ".join(f"`{type.command}`" for type in ComponentType if type is not _SHOWN), 99)}.
"""


def reference() -> str:
    """Format the whole reference as Markdown."""
    found = (*leaves(command()), *of_single_types())
    return INTRODUCTION + "".join(_section(names, each) for names, each in found)


def leaves(group: LazyGroup, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words and the command of every command; of the component types, only one."""
    others = {type.command for type in ComponentType} - {_SHOWN.command}
    for name in group.entries:
        if not names and name in others:
            continue
        made = group.load(name)
        if isinstance(made, LazyGroup):
            yield from leaves(made, (*names, name))
        else:
            yield (*names, name), made


def of_single_types() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the commands that only one component type has."""
    group = command()
    shared = group.load(_SHOWN.command).entries
    for type in ComponentType:
        made = group.load(type.command)
        own = [name for name in made.entries if name not in shared]
        for name in own:
            found = made.load(name)
            if isinstance(found, LazyGroup):
                yield from leaves(found, (type.command, name))
            else:
                yield (type.command, name), found


def _section(names: tuple[str, ...], made: Any) -> str:
    context = made.context_class(made, info_name=" ".join(names))
    usage = " ".join(made.collect_usage_pieces(context))
    lines = [
        f"\n## {' '.join(names)}\n",
        f"    stackfold {' '.join(names)} {usage}\n",
        made.help,
        "",
    ]
    rows = [each.get_help_record(context) for each in made.params]
    lines += [f"- `{names_of}`: {help}" for names_of, help in filter(None, rows)]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
