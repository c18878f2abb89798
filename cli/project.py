"""`stackfold init`, `status` and `version`: where somebody works."""

from pathlib import Path
from typing import Annotated

import typer

from stackfold.cli import answers
from stackfold.cli.grammar import Noun
from stackfold.cli.options import Message, Output
from stackfold.cli.render import Format, say
from stackfold.infrastructure.workspace import Workspace

project = Noun("stackfold", "")


@project.command("init")
def init(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="The folder; by default the current one."),
    ] = None,
    message: Message = "",
) -> None:
    """Give a folder an active stack of its own; it starts with the globally active one."""
    with Workspace.open() as workspace:
        made = workspace.init_project(folder, why=message)
    say(f"{made} is a project now: `stack set` in it changes the active stack there only")


@project.command("status")
def status(output: Output = Format.TABLE) -> None:
    """Show where the log and the project are, and which stack is active by whose choice."""
    answers.status(output)


@project.command("version")
def version(output: Output = Format.TABLE) -> None:
    """Print the version of Stackfold."""
    answers.version(output)
