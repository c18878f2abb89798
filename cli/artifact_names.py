"""`stackfold artifact alias` and `history`: names for versions that can be moved."""

from typing import Annotated

import typer

from stackfold.cli.artifact_content import Reference
from stackfold.cli.history_rows import show_history
from stackfold.cli.options import Columns, Limit, Message, Output, parse_columns
from stackfold.cli.render import Format, echo
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace


def declare_on(artifact: Noun) -> None:
    """Add the commands to the artifact group."""
    artifact.command("alias")(set_alias)
    artifact.command("history")(history)


def set_alias(
    name: Reference,
    alias: Annotated[
        str | None, typer.Argument(metavar="[ALIAS]", help="The alias, such as approved.")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the alias: give NAME@ALIAS only.")
    ] = False,
    message: Message = "",
) -> None:
    """Let an alias stand for a version of an artifact, or remove an alias."""
    if remove == (alias is not None):
        raise WrongUsage("give a version and an alias, or NAME@ALIAS with --remove")
    with Workspace.open() as workspace:
        if alias is None:
            workspace.artifacts.remove_alias(name, message)
            echo(f"alias {name!r} removed")
            return
        view = workspace.artifacts.alias(name, alias, message)
    echo(f"artifact {view.reference!r} is {view.name}@{alias}")


def history(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, or PIPELINE/STEP/OUTPUT.")],
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """Show what happened to the aliases of an artifact: when, by whom and why; newest first."""
    with Workspace.open() as workspace:
        entries = workspace.artifacts.history(name, limit)
    show_history(entries, "artifact_name", output, parse_columns(columns))
