"""`stackfold stack export` and `import`: stacks in files."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stackfold.application.stacks.views import ComponentView
from stackfold.cli.escapes import shown
from stackfold.cli.options import ActiveOrStackName, Message
from stackfold.cli.render import say
from stackfold.cli.typer_ext import Noun
from stackfold.domain.limits import DOCUMENT
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.files.input_file import read_stdin
from stackfold.infrastructure.workspace import Workspace

_STREAM = Path("-")


class OnClash(StrEnum):
    """What to do where a component of the file's name is there but differs."""

    REFUSE = "refuse"
    REUSE = "reuse"
    RENAME = "rename"


def declare_on(stack: Noun) -> None:
    """Add the three commands to those for stacks."""
    stack.command("export")(export)
    stack.command("import")(import_stack)
    stack.command("export-requirements")(export_requirements)


def export(
    name: ActiveOrStackName = None,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Where to write it; by default it is printed."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it is there.")
    ] = False,
) -> None:
    """Write a stack and its components as YAML."""
    with Workspace.open() as workspace:
        document = workspace.exchange.export(name)
        if file is None or file == _STREAM:
            sys.stdout.write(workspace.stack_files.text(document))
        else:
            workspace.stack_files.write(file, document, overwrite)
            say(f"stack {document['stack_name']!r} written to {file}")


def export_requirements(
    name: ActiveOrStackName = None,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output-file",
            metavar="FILE",
            show_default=False,
            help="Where to write them, one a line; by default they are printed.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it is there.")
    ] = False,
) -> None:
    """Tell the pip requirements of a stack's components."""
    with Workspace.open() as workspace:
        found = workspace.exchange.requirements(name)
        if output_file is None or output_file == _STREAM:
            sys.stdout.write("".join(f"{shown(str(each))}\n" for each in found))
        else:
            workspace.stack_files.write_text(
                output_file, "".join(f"{each}\n" for each in found), overwrite
            )
            say(f"requirements written to {output_file}")


def import_stack(
    file: Annotated[
        Path,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="The file, as `stack export` of Stackfold or of ZenML writes it; - is stdin.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The new stack's name; by default the file's."),
    ] = None,
    on_clash: Annotated[
        OnClash,
        typer.Option(
            "--on-clash",
            help="Where a component of the same name is there but differs: refuse the file, "
            "reuse the one that is there, or rename the new one.",
        ),
    ] = OnClash.REFUSE,
    message: Message = "",
) -> None:
    """Register a stack and its components from a YAML file, all or nothing.

    A component that is there with the same name, flavor and configuration is used as it is.
    """
    with Workspace.open() as workspace:
        files = workspace.stack_files
        origin = "stdin" if file == _STREAM else str(file)
        document = (
            files.parse(read_stdin(DOCUMENT), origin) if file == _STREAM else files.read(file)
        )
        done = workspace.exchange.import_stack(
            document, name, on_clash=on_clash.value, origin=origin, why=message
        )
    _say(done.registered, "registered")
    _say(done.reused, "reused")
    say(f"stack {done.stack.name!r} registered, revision {done.stack.revision}")


def _say(components: Sequence[ComponentView], what: str) -> None:
    for each in components:
        noun = ComponentType(each.type).noun
        say(f"{noun} {each.name!r} {what}, revision {each.revision}")
