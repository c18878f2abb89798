"""Options and arguments that several commands share, and what they mean."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.application.listing.listing import Condition, Listing
from stackfold.cli import completion
from stackfold.cli.escapes import shown_lines
from stackfold.cli.render import Format, note
from stackfold.cli.typer_ext import WrongUsage
from stackfold.domain.errors import NeedsConfirmation
from stackfold.domain.limits import SECRET
from stackfold.infrastructure.files.input_file import read_text

Message = Annotated[
    str,
    typer.Option(
        "--message",
        "-m",
        metavar="TEXT",
        show_default=False,
        help="Why you do this; it is kept with the change.",
    ),
]
Output = Annotated[Format, typer.Option("--output", help="The form to print it in.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
SetLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--label", metavar="KEY=TEXT", show_default=False, help="Set a label; repeatable."
    ),
]
RemoveLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--remove-label", metavar="KEY", show_default=False, help="Remove a label; repeatable."
    ),
]
StackName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The stack: its name, its id, or a unique beginning of either.",
        autocompletion=completion.stacks,
    ),
]
ActiveOrStackName = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="The stack: its name, its id, or a unique beginning of either. "
        "By default the active one.",
        autocompletion=completion.stacks,
    ),
]
_RULE = "1 to 64 letters, digits, '.', '_' or '-', a letter or digit first"
Name = Annotated[str, typer.Argument(metavar="NAME", help=f"Its name: {_RULE}.")]
NewName = Annotated[str, typer.Argument(metavar="NEW_NAME", help=f"The new name: {_RULE}.")]

# -- the past

WHEN = "a position (#123), a time or date, an age (2h, 3d) or a run (run:ID)"
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="WHEN", show_default=False, help=f"As it was then: {WHEN}."),
]
ToRevision = Annotated[
    int | None,
    typer.Option("--to", metavar="REVISION", show_default=False, help="What it was then."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what would change, and keep nothing of it.")
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=1, metavar="NUMBER", show_default=False, help="Show at most so many."
    ),
]


def one_point(context: typer.Context, to: int | None, as_of: str | None) -> None:
    """See that a command was told one point to go back to at most."""
    if to is not None and as_of is not None:
        raise WrongUsage("give --to or --as-of, one of them", context)


# -- lists

OnlyLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="KEY=TEXT",
        show_default=False,
        help="Only those with this label; repeatable.",
    ),
]
SortBy = Annotated[
    str, typer.Option("--sort-by", metavar="[asc:|desc:]COLUMN", help="The order of the rows.")
]
Page = Annotated[int, typer.Option("--page", min=1, metavar="NUMBER", help="Which page to show.")]
Size = Annotated[
    int, typer.Option("--size", min=1, metavar="NUMBER", help="How many rows a page has.")
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="COLUMN,...",
        show_default=False,
        help="Which columns to show, and in which order.",
    ),
]
_OPERATORS = ("equals", "contains", "startswith", "endswith", "oneof")


def matching(column: str) -> Any:
    """The option that narrows a list by a column."""
    return typer.Option(
        f"--{column.replace('_', '-')}",
        metavar="[OPERATOR:]VALUE",
        show_default=False,
        help=f"Only those whose {column} fits.",
    )


def listing(
    filters: dict[str, str | None],
    labels: Sequence[str] | None,
    sort_by: str,
    page: int,
    size: int,
) -> Listing:
    """What the options of a list ask for."""
    direction, _, column = sort_by.rpartition(":")
    if direction not in {"", "asc", "desc"}:
        raise WrongUsage(f"--sort-by {sort_by}: write asc:{column} or desc:{column}")
    return Listing(
        where=tuple(_condition(name, text) for name, text in filters.items() if text is not None),
        labels=tuple(pairs("--label", labels).items()),
        sort_by=column.replace("-", "_"),
        descending=direction == "desc",
        page=page,
        size=size,
    )


def _condition(column: str, text: str) -> Condition:
    for operator in _OPERATORS:
        if text.startswith(f"{operator}:"):
            # mypy cannot see that the operators are those of a condition.
            return Condition(column, operator, text[len(operator) + 1 :])  # type: ignore[arg-type]
    return Condition(column, "equals", text)


def chosen(columns: str | None) -> list[str] | None:
    """The columns that were asked for; None for the usual ones."""
    if columns is None:
        return None
    names = [name.strip().replace("-", "_").lower() for name in columns.split(",")]
    return [name for name in names if name]


# -- labels and attributes


def pairs(option: str, given: Sequence[str] | None) -> dict[str, str]:
    """The `KEY=TEXT` values of a repeatable option."""
    found: dict[str, str] = {}
    for each in given or ():
        key, equals, text = each.partition("=")
        if not equals or not key:
            raise WrongUsage(f"{option} {each}: write {option} KEY=TEXT")
        if key in found:
            raise WrongUsage(f"{option} {key} is given twice, it can be given once")
        found[key] = text
    return found


def label_changes(
    given: Sequence[str] | None, removed: Sequence[str] | None
) -> dict[str, str | None]:
    """Label → new text, or None to remove it."""
    changes: dict[str, str | None] = {**pairs("--label", given)}
    for key in removed or ():
        if key in changes:
            raise WrongUsage(f"the label {key} is both set and removed: do one of them")
        changes[key] = None
    return changes


def values(attributes: dict[str, str]) -> dict[str, str]:
    """The attributes' values: `@file` stands for what the file holds, `@@text` for `@text`.

    One line end at the end of the file is left off, as editors add it.

    Raises:
        InvalidFile: A file cannot be read.
    """
    return {name: _value(text) for name, text in attributes.items()}


def _value(text: str) -> str:
    if text.startswith("@@"):
        return text[1:]
    if not text.startswith("@"):
        return text
    path = Path(os.path.expanduser(text[1:]))
    return read_text(path, SECRET).removesuffix("\n")


# -- before something is gone, or changes that was not named


def confirm(what: str, yes: bool) -> None:
    """Ask whether to delete `what`, unless `yes`; without a terminal there is nobody to ask.

    Raises:
        WrongUsage: There is no terminal, and `yes` was not given.
        Exit: The answer is no.
    """
    if yes:
        return
    if not _is_terminal():
        raise WrongUsage(f"{what} is not deleted: without a terminal to ask on, give --yes")
    if not _agreed(f"Delete {what}?"):
        note("nothing is deleted")
        raise typer.Exit(1)


def agree(question: str, otherwise: str, yes: bool) -> None:
    """Ask a question before something is done, unless `yes`.

    Raises:
        WrongUsage: There is no terminal to ask on, and `yes` was not given.
        Exit: The answer is no; that `otherwise` is so has been said.
    """
    if yes:
        return
    if not _is_terminal():
        raise WrongUsage(f"{otherwise}: without a terminal to ask on, give --yes")
    if not _agreed(question):
        note(otherwise)
        raise typer.Exit(1)


def confirm_reach(needed: NeedsConfirmation) -> None:
    """Ask whether to change what other stacks hold, too.

    Raises:
        NeedsConfirmation: There is no terminal to ask on.
        Exit: The answer is no.
    """
    if not _is_terminal():
        raise needed
    if not _agreed(f"{needed.consequence}. Go on?"):
        note("nothing is changed")
        raise typer.Exit(1)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agreed(question: str) -> bool:
    sys.stderr.write(f"{shown_lines(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
