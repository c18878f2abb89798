"""`stackfold integration`: list and install the packages that flavors require."""

import shlex
from typing import Annotated

import typer

from stackfold.cli.options import Limit, Output, Yes, agree
from stackfold.cli.render import Format, Shape, echo, first_rows, note, show_rows
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

integration = Noun("integration", "List and install the packages that flavors require.")

_FIELDS = ("name", "installed", "requires", "flavors")

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...", help="The integrations; by default all.", show_default=False
    ),
]


@integration.command("list")
def list_integrations(limit: Limit = None, output: Output = Format.TABLE) -> None:
    """List integrations with their requirements and flavors."""
    with Workspace.open() as workspace:
        found = first_rows(workspace.integrations.list(), limit)
        problems = workspace.flavors.problems()
    show_rows([each._asdict() for each in found], Shape(_FIELDS, _FIELDS), output)
    for each in problems:
        note(str(each))


@integration.command("requirements")
def requirements(name: Names = None) -> None:
    """Print the pip requirements of integrations, one per line."""
    with Workspace.open() as workspace:
        for each in workspace.integrations.requirements(name or ()):
            echo(each)


@integration.command("install")
def install(
    name: Annotated[list[str], typer.Argument(metavar="NAME...", help="The integrations.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the command without running it.")
    ] = False,
    uv: Annotated[
        bool, typer.Option("--uv", help="Use uv; by default pip, or uv if there is no pip.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Install the requirements of integrations into the current Python environment."""
    with Workspace.open() as workspace:
        command = shlex.join(workspace.integrations.command(name, uv))
        if dry_run:
            echo(command)
            return
        agree(f"Run {command}?", "nothing is installed", yes)
        workspace.integrations.install(name, uv)
    echo(f"{', '.join(name)} installed")
