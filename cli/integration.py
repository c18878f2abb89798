"""`stackfold integration`: what Stackfold works with, once it is installed."""

import shlex
from typing import Annotated

import typer

from stackfold.cli.options import Output, Yes, agree
from stackfold.cli.render import Format, Shape, note, say, show_rows
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

integration = Noun("integration", "Look up what flavors need, and install it.")

_FIELDS = ("name", "installed", "requires", "flavors")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Which; by default all.", show_default=False),
]


@integration.command("list")
def list_integrations(output: Output = Format.TABLE) -> None:
    """List integrations: whether each is installed, what it requires, and which flavors need it."""
    with Workspace.open() as workspace:
        found = workspace.integrations.list()
        problems = workspace.catalogue.packages.problems()
    show_rows([each._asdict() for each in found], Shape(_FIELDS, _FIELDS), output)
    for each in problems:
        note(str(each))


@integration.command("requirements")
def requirements(name: Names = None) -> None:
    """Print the pip requirements of integrations, one a line."""
    with Workspace.open() as workspace:
        for each in workspace.integrations.requirements(name or ()):
            say(each)


@integration.command("install")
def install(
    name: Annotated[list[str], typer.Argument(metavar="NAME...", help="Which.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the command that would be run.")
    ] = False,
    uv: Annotated[
        bool, typer.Option("--uv", help="Use uv; by default pip, and uv where there is no pip.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Install what integrations require, into the Python environment that runs Stackfold."""
    with Workspace.open() as workspace:
        command = shlex.join(workspace.integrations.command(name, uv))
        if dry_run:
            say(command)
            return
        agree(f"Run {command}?", "nothing is installed", yes)
        workspace.integrations.install(name, uv)
    say(f"{', '.join(name)} installed")
