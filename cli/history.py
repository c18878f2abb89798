"""`stackfold stack history`, `diff`, `revert` and `restore`: what a stack was, and back to it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.cli import completion, show
from stackfold.cli.history_rows import tell
from stackfold.cli.options import (
    ActiveOrStackName,
    AsOf,
    Columns,
    DryRun,
    Limit,
    Message,
    Output,
    StackName,
    ToRevision,
    chosen,
    confirm_reach,
    one_point,
)
from stackfold.cli.render import Format, Shape, note, say, show_rows
from stackfold.cli.table import cell
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.domain.errors import NeedsConfirmation
from stackfold.infrastructure.workspace import Workspace

_DIFFERENCES = Shape(Change._fields, Change._fields, ("field",))


class DiffForm(StrEnum):
    """The forms in which differences are shown."""

    TABLE = "table"
    UNIFIED = "unified"
    JSON = "json"


DiffOutput = Annotated[DiffForm, typer.Option("--output", help="The form to print it in.")]


def declare_on(stack: Noun) -> None:
    """Add the commands to those for stacks."""
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
    """Show what was done to a stack, and to its components while it held them; newest first.

    A stack that was deleted has a history, too.
    """
    show.stack_history(name, output, limit, chosen(columns))


def diff(
    context: typer.Context,
    name: ActiveOrStackName = None,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="REVISION|OTHER",
            help="A revision of it, or another stack.",
            autocompletion=completion.stacks,
        ),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Argument(metavar="REVISION", help="A later revision of it; by default it is now."),
    ] = None,
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            "--as-of",
            metavar="WHEN",
            show_default=False,
            help="Look at the first side as it was then; given twice, at the second side, too.",
        ),
    ] = None,
    output: DiffOutput = DiffForm.TABLE,
) -> None:
    """Show what differs, composition and resolved configuration.

    Alone: what the last change of the stack changed. WHEN is a position (#123), a time or date,
    an age (2h, 3d) or a run (run:ID).
    """
    points = [*(as_of or ()), None, None][: max(2, len(as_of or ()))]
    revisions = _revisions(context, other, revision, points)
    another = None if revisions else other
    with Workspace.open() as workspace:
        if name is None:
            name = workspace.queries.active_stack().name
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
    to: ToRevision = None,
    as_of: AsOf = None,
    with_components: Annotated[
        bool,
        typer.Option("--with-components", help="Make its components what they were then, too."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Also change what other stacks hold.")
    ] = False,
    dry_run: DryRun = False,
    message: Message = "",
) -> None:
    """Make a stack what it was, as a new revision; by default what it was before this one."""
    one_point(context, to, as_of)
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
            )

        try:
            entries = reverted(yes)
        except NeedsConfirmation as needed:
            if dry_run:
                note(str(needed))
            else:
                confirm_reach(needed)
            entries = reverted(True)
    tell(entries, dry_run)


def restore(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The stack: the name that it had, or its id.",
            autocompletion=completion.deleted("stack"),
        ),
    ],
    dry_run: DryRun = False,
    message: Message = "",
) -> None:
    """Bring back a deleted stack, as it was before it was deleted."""
    with Workspace.open() as workspace:
        entries = workspace.stacks.restore(name, dry_run=dry_run, why=message)
    tell(entries, dry_run)


# -- what is compared, and how it is shown


def _revisions(
    context: typer.Context, other: str | None, last: str | None, points: Sequence[str | None]
) -> tuple[int, int | None] | None:
    """The revisions that were given, if they were."""
    if len(points) > 2:
        raise WrongUsage(f"--as-of is given {len(points)} times, it can be given twice", context)
    if other is None or not _is_number(other):
        if last is not None:
            raise WrongUsage("compare two revisions, or two stacks", context)
        return None
    if last is not None and not _is_number(last):
        raise WrongUsage(f"{last} is no revision: give a number", context)
    if points[0] is not None:
        raise WrongUsage("give revisions or --as-of, one of them", context)
    return int(other), None if last is None else int(last)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _sides(
    name: str,
    other: str | None,
    revisions: tuple[int, int | None] | None,
    points: Sequence[str | None],
) -> tuple[str, str]:
    """What the two sides are called."""
    if revisions:
        before, after = revisions
        return f"{name} revision {before}", f"{name} revision {after}" if after else f"{name} now"
    if other is None and points[0] is None:
        return f"{name} before its last change", f"{name} now"
    one, two = (f"as of {each}" if each else "now" for each in points)
    return f"{name} {one}", f"{other or name} {two}"


def show_unified(changes: Sequence[Change], before: str, after: str) -> None:
    """Print differences as diff tools do."""
    if changes:
        say(f"--- {before}\n+++ {after}")
    for each in changes:
        for sign, value in (("-", each.before), ("+", each.after)):
            if value is not None:
                say(f"{sign}{each.field}: {cell(value, None)}")
