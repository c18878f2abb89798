"""`stackfold stack history`, `diff`, `revert` and `restore`: past states of a stack."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.cli import completion, show
from stackfold.cli.colour import BOLD, GREEN, RED, coloured
from stackfold.cli.escapes import escaped_lines
from stackfold.cli.hints import with_hint
from stackfold.cli.history_rows import print_changes
from stackfold.cli.options import (
    ActiveOrStackName,
    AsOf,
    Columns,
    DryRun,
    ExpectedRevision,
    Limit,
    Message,
    Output,
    RevisionArgument,
    StackName,
    ToRevision,
    confirm_shared,
    parse_columns,
    point_to_revert_to,
)
from stackfold.cli.render import Format, Shape, note, show_rows
from stackfold.cli.table import LONGEST_CELL, cell
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.domain.errors import NeedsConfirmation
from stackfold.infrastructure.workspace import Workspace

_DIFFERENCES = Shape(Change._fields, Change._fields, ("field",))


class DiffForm(StrEnum):
    """The output formats of differences."""

    TABLE = "table"
    UNIFIED = "unified"
    JSON = "json"


DiffOutput = Annotated[DiffForm, typer.Option("--output", "-o", help="The output format.")]


def declare_on(stack: Noun) -> None:
    """Add the commands to the stack group."""
    stack.command("history")(history)
    stack.command("diff")(diff)
    stack.command("revert")(revert)
    stack.command("restore")(restore)


def history(
    name: ActiveOrStackName = None,
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the history of a stack and of the components it contained; newest first.

    This includes stacks that were deleted.
    """
    show.stack_history(name, output, limit, parse_columns(columns))


def diff(
    context: typer.Context,
    name: ActiveOrStackName = None,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="REVISION|OTHER",
            help="A revision of the stack, or another stack.",
            autocompletion=completion.stacks,
        ),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Argument(metavar="REVISION", help="A later revision; by default the current one."),
    ] = None,
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            "--as-of",
            metavar="WHEN",
            show_default=False,
            help="Compare the state at a past point; give it twice to compare two past points.",
        ),
    ] = None,
    output: DiffOutput = DiffForm.TABLE,
) -> None:
    """Compare two stacks or two states of one: composition and resolved configuration.

    By default the last change of the stack is shown. WHEN is a position (#123), a time or date, an
    age (2h, 3d) or a run (run:ID).
    """
    points = [*(as_of or ()), None, None][: max(2, len(as_of or ()))]
    revisions = _revisions(context, other, revision, points)
    another = None if revisions else other
    with Workspace.open() as workspace:
        if name is None:
            name = workspace.stacks.get().name
        found = workspace.stacks.diff(
            name, another, revisions=revisions, as_of=(points[0], points[1])
        )
    if output == DiffForm.UNIFIED:
        show_unified(found, *_sides(name, another, revisions, points))
    else:
        show_rows([each._asdict() for each in found], _DIFFERENCES, output)
    if not found:
        note("no difference")


def revert(
    context: typer.Context,
    name: StackName,
    revision: RevisionArgument = None,
    to: ToRevision = None,
    as_of: AsOf = None,
    with_components: Annotated[
        bool,
        typer.Option(
            "--with-components", help="Also revert its components to their state at that point."
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Also change components that other stacks use, without asking."
        ),
    ] = False,
    dry_run: DryRun = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Restore an earlier state of a stack as a new revision; by default the one before."""
    to = point_to_revert_to(context, revision, to, as_of)
    with Workspace.open() as workspace:

        def reverted(confirmed: bool) -> Sequence[HistoryEntry]:
            return workspace.stacks.revert(
                name,
                to,
                as_of=as_of,
                with_components=with_components,
                confirmed=confirmed,
                dry_run=dry_run,
                why=message,
                expected_revision=expected_revision,
            )

        try:
            entries = reverted(yes)
        except NeedsConfirmation as needed:
            if dry_run:
                note(with_hint(needed))
            else:
                confirm_shared(needed)
            entries = reverted(True)
    print_changes(entries, dry_run)


def restore(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Id or former name of the stack.",
            autocompletion=completion.deleted("stack"),
        ),
    ],
    dry_run: DryRun = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Restore a deleted stack."""
    with Workspace.open() as workspace:
        entries = workspace.stacks.restore(
            name, dry_run=dry_run, why=message, expected_revision=expected_revision
        )
    print_changes(entries, dry_run)


# -- helpers


def _revisions(
    context: typer.Context, other: str | None, last: str | None, points: Sequence[str | None]
) -> tuple[int, int | None] | None:
    """Validate the sides to compare; return the two revisions, or None if other sides are meant."""
    if len(points) > 2:
        raise WrongUsage(f"--as-of is given {len(points)} times: give it at most twice", context)
    if other is None or not _is_number(other):
        if last is not None:
            raise WrongUsage("give two revisions or two stacks, not one of each", context)
        return None
    if last is not None and not _is_number(last):
        raise WrongUsage(f"{last} is not a revision: give a number", context)
    if points[0] is not None:
        raise WrongUsage("revisions and --as-of exclude each other: give one of them", context)
    return int(other), None if last is None else int(last)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _sides(
    name: str,
    other: str | None,
    revisions: tuple[int, int | None] | None,
    points: Sequence[str | None],
) -> tuple[str, str]:
    """Name the two sides."""
    if revisions:
        before, after = revisions
        return f"{name} revision {before}", f"{name} revision {after}" if after else f"{name} now"
    if other is None and points[0] is None:
        return f"{name} before its last change", f"{name} now"
    one, two = (f"as of {each}" if each else "now" for each in points)
    return f"{name} {one}", f"{other or name} {two}"


def show_unified(changes: Sequence[Change], before: str, after: str) -> None:
    """Print differences in the form of unified diffs."""
    if changes:
        sys.stdout.write(coloured(escaped_lines(f"--- {before}\n+++ {after}"), BOLD) + "\n")
    longest = LONGEST_CELL if sys.stdout.isatty() else None
    for each in changes:
        for sign, value in (("-", each.before), ("+", each.after)):
            if value is not None:
                line = escaped_lines(f"{sign}{each.field}: {cell(value, longest)}")
                sys.stdout.write(f"{coloured(line, RED if sign == '-' else GREEN)}\n")
