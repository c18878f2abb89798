"""Options and arguments that several commands share, and the parsing of their values."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.application.listing.listing import Condition, Listing
from stackfold.cli import completion
from stackfold.cli.escapes import escaped_lines
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
        help="The reason for the change; recorded with it.",
    ),
]
ExpectedRevision = Annotated[
    int | None,
    typer.Option(
        "--expected-revision",
        min=1,
        metavar="REVISION",
        show_default=False,
        help="The revision that the command was decided on; a later one rejects it.",
    ),
]
ExpectedPosition = Annotated[
    int | None,
    typer.Option(
        "--expected-position",
        min=0,
        metavar="POSITION",
        show_default=False,
        help="The position of the log that the command was decided on; a later change of what it "
        "changes rejects it.",
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="The output format.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")]
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
        help="Name or id of the stack, or a unique prefix of either.",
        autocompletion=completion.stacks,
    ),
]
ActiveOrStackName = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Name or id of the stack, or a unique prefix of either; by default the active stack.",
        autocompletion=completion.stacks,
    ),
]
_RULE = "1 to 64 letters, digits, '.', '_' or '-', starting with a letter or digit"
Name = Annotated[str, typer.Argument(metavar="NAME", help=f"The name: {_RULE}.")]
NewName = Annotated[str, typer.Argument(metavar="NEW_NAME", help=f"The new name: {_RULE}.")]

# -- time travel

WHEN = "a position (#123), a time or date, yesterday, an age (2h, 3d) or a run (run:ID)"
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="WHEN",
        show_default=False,
        help=f"Show the state at a past point: {WHEN}.",
    ),
]
ToRevision = Annotated[
    int | None,
    typer.Option("--to", metavar="REVISION", show_default=False, help="The revision to revert to."),
]
RevisionArgument = Annotated[
    int | None,
    typer.Argument(metavar="REVISION", show_default=False, help="The revision, as with --to."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what would change without recording it.")
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=1,
        metavar="NUMBER",
        show_default=False,
        help="The maximum number of rows.",
    ),
]


def point_to_revert_to(
    context: typer.Context, revision: int | None, to: int | None, as_of: str | None
) -> int | None:
    """Return the revision given as an argument or with --to; reject several points."""
    if revision is not None and to is not None:
        raise WrongUsage("a revision and --to exclude each other: give one of them", context)
    if revision is not None and as_of is not None:
        raise WrongUsage("a revision and --as-of exclude each other: give one of them", context)
    if to is not None and as_of is not None:
        raise WrongUsage("--to and --as-of exclude each other: give one of them", context)
    return to if revision is None else revision


# -- lists

OnlyLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="KEY=TEXT",
        show_default=False,
        help="Only rows with this label; repeatable.",
    ),
]
SortBy = Annotated[
    str, typer.Option("--sort-by", metavar="[asc:|desc:]COLUMN", help="The column to sort by.")
]
Page = Annotated[
    int, typer.Option("--page", min=1, metavar="NUMBER", help="The number of the page to show.")
]
Size = Annotated[
    int,
    typer.Option(
        "--size", "--limit", "-n", min=1, metavar="NUMBER", help="The number of rows per page."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="COLUMN,...",
        show_default=False,
        help="The columns to show, in this order.",
    ),
]
_OPERATORS = ("equals", "contains", "startswith", "endswith", "oneof")


def filter_option(column: str) -> Any:
    """An option that filters a list by the values of a column."""
    return typer.Option(
        f"--{column.replace('_', '-')}",
        metavar="[OPERATOR:]VALUE",
        show_default=False,
        help=f"Only rows whose {column} matches.",
    )


def listing(
    filters: dict[str, str | None],
    labels: Sequence[str] | None,
    sort_by: str,
    page: int,
    size: int,
) -> Listing:
    """Build the query that the options of a list command describe."""
    direction, _, column = sort_by.rpartition(":")
    if direction not in {"", "asc", "desc"}:
        raise WrongUsage(f"--sort-by {sort_by}: write asc:{column} or desc:{column}")
    return Listing(
        where=tuple(_condition(name, text) for name, text in filters.items() if text is not None),
        labels=tuple(parse_pairs("--label", labels).items()),
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


def parse_columns(columns: str | None) -> list[str] | None:
    """Parse --columns; None stands for the default columns."""
    if columns is None:
        return None
    names = [name.strip().replace("-", "_").lower() for name in columns.split(",")]
    return [name for name in names if name]


# -- labels and attributes


def parse_pairs(option: str, given: Sequence[str] | None) -> dict[str, str]:
    """Parse the `KEY=TEXT` values of a repeatable option."""
    found: dict[str, str] = {}
    for each in given or ():
        key, equals, text = each.partition("=")
        if not equals or not key:
            raise WrongUsage(f"{option} {each}: write {option} KEY=TEXT")
        if key in found:
            raise WrongUsage(f"{option} {key} is given twice: give it once")
        found[key] = text
    return found


def label_changes(
    given: Sequence[str] | None, removed: Sequence[str] | None
) -> dict[str, str | None]:
    """Label → its new text, or None to remove it."""
    changes: dict[str, str | None] = {**parse_pairs("--label", given)}
    for key in removed or ():
        if key in changes:
            raise WrongUsage(
                f"the label {key} is both set and removed: give one of the two options"
            )
        changes[key] = None
    return changes


def read_values(attributes: dict[str, str]) -> dict[str, str]:
    """Read attribute values: `@file` is the content of the file, `@@text` is `@text`.

    A newline at the end of the file is removed, as editors add it.

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


# -- confirmation


def confirm(what: str, yes: bool) -> None:
    """Ask whether to delete `what`, unless `yes` is given.

    Raises:
        WrongUsage: There is no terminal, and `yes` was not given.
        Exit: The answer is no.
    """
    if yes:
        return
    if not _is_terminal():
        raise WrongUsage(f"deleting {what} needs confirmation: give --yes")
    if not _agreed(f"Delete {what}?"):
        note("nothing is deleted")
        raise typer.Exit(1)


def agree(question: str, otherwise: str, yes: bool) -> None:
    """Ask a question before going on, unless `yes` is given.

    Args:
        question: A yes-no question.
        otherwise: The consequence of no, such as `nothing is installed`.
        yes: Do not ask.

    Raises:
        WrongUsage: There is no terminal to ask on, and `yes` was not given.
        Exit: The answer is no.
    """
    if yes:
        return
    if not _is_terminal():
        raise WrongUsage(f"{otherwise}: confirm with --yes")
    if not _agreed(question):
        note(otherwise)
        raise typer.Exit(1)


def confirm_shared(needed: NeedsConfirmation) -> None:
    """Ask whether to change components that other stacks use too.

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
    sys.stderr.write(f"{escaped_lines(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
