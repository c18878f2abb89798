"""`stackfold init`, `trust`, `status`, `undo` and `version`: the workspace as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from stackfold.cli import show
from stackfold.cli.history_rows import tell
from stackfold.cli.options import AsOf, DryRun, Message, Output
from stackfold.cli.render import Format, say
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

project = Noun("stackfold", "")


@project.command("init")
def init(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="The folder; by default the current one."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help="The PostgreSQL whose log the project's people share, such as "
            "postgresql://ada@db.example.com/ml; without a password.",
        ),
    ] = None,
    message: Message = "",
) -> None:
    """Give a folder an active stack of its own; it starts with the globally active one."""
    with Workspace.open(store=store) as workspace:
        made = workspace.init_project(folder, message, store)
    say(f"{made} is a project now: `stack set` in it changes the active stack there only")


@project.command("trust")
def trust(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER", help="The project's folder, or one in it; by default the current one."
        ),
    ] = None,
) -> None:
    """Trust a project that is not yours, and the log that it names; your home remembers it.

    Look at its .stackfold/project.json first: commands that are run in it work on that log.
    """
    trusted = Workspace.trust(folder)
    on = f", and the log at {trusted.store}" if trusted.store else ""
    say(f"the project in {trusted.folder} is trusted{on}")


@project.command("status")
def status(as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Show where the log and the project are, and which stack is active by whose choice."""
    show.status(output, as_of)


@project.command("undo")
def undo(dry_run: DryRun = False, message: Message = "") -> None:
    """Take back the last change that was not taken back yet, whatever it was.

    A second undo takes back the change before that.
    """
    with Workspace.open() as workspace:
        entries = workspace.undo(dry_run=dry_run, why=message)
    tell(entries, dry_run)


@project.command("version")
def version(output: Output = Format.TABLE) -> None:
    """Print the version of Stackfold."""
    show.version(output)
