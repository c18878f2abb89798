"""`stackfold stack export`, `import` and `export-requirements`: stacks as files."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stackfold.application.stacks.views import ComponentView
from stackfold.cli.escapes import escaped
from stackfold.cli.options import ActiveOrStackName, Message
from stackfold.cli.render import echo
from stackfold.cli.typer_ext import Noun
from stackfold.domain.limits import DOCUMENT
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.files.input_file import read_stdin
from stackfold.infrastructure.files.stack import document_text, write_text
from stackfold.infrastructure.files.yaml import parse_yaml, read_yaml
from stackfold.infrastructure.workspace import Workspace

_STREAM = Path("-")


class OnConflict(StrEnum):
    """What to do if a different component of the same name exists."""

    FAIL = "fail"
    REUSE = "reuse"
    RENAME = "rename"


def declare_on(stack: Noun) -> None:
    """Add the commands to the stack group."""
    stack.command("export")(export)
    stack.command("import")(import_stack)
    stack.command("export-requirements")(export_requirements)


def export(
    name: ActiveOrStackName = None,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The file to write; by default stdout."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists.")
    ] = False,
) -> None:
    """Write a stack and its components as YAML."""
    with Workspace.open() as workspace:
        document = workspace.stacks.export(name)
        if file is None or file == _STREAM:
            sys.stdout.write(document_text(document))
        else:
            write_text(file, document_text(document), overwrite)
            echo(f"stack {document['stack_name']!r} written to {file}")


def export_requirements(
    name: ActiveOrStackName = None,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output-file",
            metavar="FILE",
            show_default=False,
            help="The file to write, one requirement per line; by default stdout.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists.")
    ] = False,
) -> None:
    """Print the pip requirements of a stack's components."""
    with Workspace.open() as workspace:
        found = workspace.stacks.requirements(name)
        if output_file is None or output_file == _STREAM:
            sys.stdout.write("".join(f"{escaped(str(each))}\n" for each in found))
        else:
            write_text(output_file, "".join(f"{each}\n" for each in found), overwrite)
            echo(f"requirements written to {output_file}")


def import_stack(
    file: Annotated[
        Path,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="A file written by `stack export` of Stackfold or ZenML; - reads stdin.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The name of the new stack; by default the name in the file."
        ),
    ] = None,
    on_conflict: Annotated[
        OnConflict,
        typer.Option(
            "--on-conflict",
            help="What to do if a different component of the same name exists: fail, reuse the "
            "existing one, or rename the new one.",
        ),
    ] = OnConflict.FAIL,
    message: Message = "",
) -> None:
    """Register a stack and its components from a YAML file, all or nothing.

    An existing component with the same name, flavor and configuration is reused.
    """
    with Workspace.open() as workspace:
        origin = "stdin" if file == _STREAM else str(file)
        document = parse_yaml(read_stdin(DOCUMENT), origin) if file == _STREAM else read_yaml(file)
        done = workspace.stacks.import_stack(
            document, name, on_conflict=on_conflict.value, origin=origin, why=message
        )
    _echo(done.registered, "registered")
    _echo(done.reused, "reused")
    echo(f"stack {done.stack.name!r} registered, revision {done.stack.revision}")


def _echo(components: Sequence[ComponentView], what: str) -> None:
    for each in components:
        noun = ComponentType(each.type).noun
        echo(f"{noun} {each.name!r} {what}, revision {each.revision}")
