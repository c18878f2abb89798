"""The reference of all commands, `docs/cli.md`: `python -m stackfold.cli.reference > docs/cli.md`.

The groups of the twelve component types are the same but for the noun; one stands for all.
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

Made from the commands themselves by `make reference`; a test holds that it is up to date.

Each command has `--help`. What is found by NAME is found by its name, its id, or a unique beginning
of either. Every command that changes something takes `-m TEXT`, the reason, which is kept with the
change; where nothing changes, nothing is recorded, and it says so. An option is given once, unless
it is said to be repeatable.

Exit codes: 0 done, 1 refused, 2 wrong usage; then one line on stderr says what is wrong.
`--output` is `table` for people, or `json`, `yaml`, `csv`, `tsv` for programs, with all fields.
Filters such as `--name` take a value that must be equal, or `contains:`, `startswith:`,
`endswith:` or `oneof:A,B` and a value.

Each component type has the same commands; here are those of `{_SHOWN.command}`. The others:
{fill(", ".join(f"`{type.command}`" for type in ComponentType if type is not _SHOWN), 99)}.
"""


def reference() -> str:
    """The whole reference, as Markdown."""
    return INTRODUCTION + "".join(_section(names, each) for names, each in leaves(command()))


def leaves(group: LazyGroup, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below a group, with the words to call it by; of the types, one."""
    others = {type.command for type in ComponentType} - {_SHOWN.command}
    for name in group.entries:
        if not names and name in others:
            continue
        made = group.load(name)
        if isinstance(made, LazyGroup):
            yield from leaves(made, (*names, name))
        else:
            yield (*names, name), made


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
