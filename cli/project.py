"""`stackfold init`, `trust`, `untrust`, `status`, `undo` and `version`."""

from pathlib import Path
from typing import Annotated

import typer

from stackfold.cli import show
from stackfold.cli.history_rows import print_changes
from stackfold.cli.options import AsOf, DryRun, ExpectedPosition, Message, Output
from stackfold.cli.render import Format, echo
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
            help="The PostgreSQL database of a shared log, without a password, such as "
            "postgresql://ada@db.example.com/ml.",
        ),
    ] = None,
    message: Message = "",
) -> None:
    """Make a folder a project with its own active stack, initially the global one."""
    with Workspace.open(store=store) as workspace:
        made = workspace.init_project(folder, message, store)
    echo(f"{made} is now a project: `stack set` in it changes only its active stack")


@project.command("trust")
def trust(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER", help="A folder of the project; by default the current one."
        ),
    ] = None,
) -> None:
    """Trust a project that another user owns, and the log that it names.

    Read its .stackfold/project.json first: commands in the project use that log.
    """
    trusted = Workspace.trust(folder)
    on = f", and the log at {trusted.store}" if trusted.store else ""
    echo(f"the project in {trusted.folder} is trusted{on}")


@project.command("untrust")
def untrust(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER", help="A folder of the project; by default the current one."
        ),
    ] = None,
) -> None:
    """Revoke the trust of a project, and of the log that it names.

    The log is then trusted for no other project either. A project that you own still counts.
    """
    project = Workspace.untrust(folder)
    on = f", nor is the log at {project.store}" if project.store else ""
    echo(f"the project in {project.folder} is no longer trusted{on}")


@project.command("status")
def status(as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Show the home, the log, the project, and the active stack with the setting that chose it."""
    show.status(output, as_of)


@project.command("whoami")
def whoami(output: Output = Format.TABLE) -> None:
    """Show who makes changes and which setting says so, the active stack, the home and the log."""
    show.whoami(output)


@project.command("doctor")
def doctor(output: Output = Format.TABLE) -> None:
    """Check the home, the project, the log, the active stack, flavors and packages.

    One line for each, with what to do; exits with 1 if there is a problem.
    """
    if not show.doctor(output):
        raise typer.Exit(1)


@project.command("undo")
def undo(
    dry_run: DryRun = False,
    expected_position: ExpectedPosition = None,
    message: Message = "",
) -> None:
    """Undo the last change that is not undone yet.

    A second undo undoes the change before.
    """
    with Workspace.open() as workspace:
        entries = workspace.undo(dry_run=dry_run, why=message, expected_position=expected_position)
        print_changes(entries, dry_run)
        if not dry_run and any(entry.kind == "model" for entry in entries):
            from stackfold.cli.followers import update_followers

            update_followers(workspace)


@project.command("version")
def version(output: Output = Format.TABLE) -> None:
    """Print the version of Stackfold."""
    show.version(output)
