"""`stackfold model-registry versions`, `publish`, `withdraw`, `check` and `sync`."""

from typing import Annotated

import typer

from stackfold.application.models.registry_views import RegistryDifference, RegistryVersionView
from stackfold.cli import completion
from stackfold.cli.model_version import ModelName, Version
from stackfold.cli.options import Columns, Output, Yes, confirm, parse_columns
from stackfold.cli.render import Format, Shape, echo, note, show_rows
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

_VERSIONS = Shape(RegistryVersionView._fields, RegistryVersionView._fields, ("model", "number"))
_DIFFERENCES = Shape(
    RegistryDifference._fields, RegistryDifference._fields, ("model", "what", "in_log")
)

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        show_default=False,
        help="The stack whose model registry is used; by default the active one.",
        autocompletion=completion.stacks,
    ),
]
AModel = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        show_default=False,
        help="Name or id of the model, or a unique prefix of either; by default all.",
        autocompletion=completion.models,
    ),
]


def declare(noun: Noun) -> None:
    """Add the commands that use a model registry to the group of its components.

    Args:
        noun: The group.
    """

    @noun.command("versions")
    def versions(
        model: ModelName,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        """List the versions that the registry has of a model, with their aliases there."""
        with Workspace.open() as workspace:
            views = workspace.model_registries.versions(model, stack)
        show_rows([each._asdict() for each in views], _VERSIONS, output, parse_columns(columns))
        if not views:
            note("the registry has no version of it")

    @noun.command("publish")
    def publish(model: ModelName, version: Version, stack: Stack = None) -> None:
        """Publish a version of a model in the registry; `model promote` does so by itself."""
        with Workspace.open() as workspace:
            view = workspace.model_registries.publish(model, version, stack)
        there = view.reference.get("url") or ", ".join(
            f"{key} {value}" for key, value in view.reference.items()
        )
        echo(f"{view.model}@{view.number} is published: {there}")

    @noun.command("withdraw")
    def withdraw(model: ModelName, version: Version, stack: Stack = None, yes: Yes = False) -> None:
        """Remove a version of a model from the registry; the log keeps it.

        Asks for confirmation on a terminal; requires --yes elsewhere.
        """
        with Workspace.open() as workspace:
            view = workspace.models.version(model, version)
            confirm(f"{view.model}@{view.number} in the registry", yes)
            workspace.model_registries.withdraw(view.model, view.number, stack)
        echo(f"{view.model}@{view.number} is withdrawn")

    @noun.command("check")
    def check(
        model: AModel = None,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        """Compare the registry with the log; exits with 1 if they differ.

        Versions and aliases that only the registry has are no difference, unless the log had the
        alias before.
        """
        with Workspace.open() as workspace:
            found = workspace.model_registries.check(model, stack)
        show_rows([each._asdict() for each in found], _DIFFERENCES, output, parse_columns(columns))
        if not found:
            note("no difference")
            return
        note("`stackfold model-registry sync` makes the registry equal to the log")
        raise typer.Exit(1)

    @noun.command("sync")
    def sync(
        model: AModel = None,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        """Publish what the registry lacks, move its aliases, and show what was different."""
        with Workspace.open() as workspace:
            found = workspace.model_registries.sync(model, stack)
        show_rows([each._asdict() for each in found], _DIFFERENCES, output, parse_columns(columns))
        if not found:
            note("no difference")
