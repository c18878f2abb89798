"""`stackfold artifact save`, `register` and `delete`: artifacts that no run made."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.cli.artifact_content import Reference
from stackfold.cli.options import Message, Yes, confirm
from stackfold.cli.progress_bar import bar
from stackfold.cli.render import echo
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.files.value_file import FORMATS, format_of, read_value
from stackfold.infrastructure.workspace import Workspace

NewName = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        show_default=False,
        help="The name of the artifact; it is created with its first version.",
    ),
]
NewLabel = Annotated[
    str | None,
    typer.Option(
        "--label", metavar="TEXT", show_default=False, help="A text that names the version."
    ),
]
NewTags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", show_default=False, help="Tag the version; repeatable."),
]
NewMetadata = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata",
        metavar="KEY=VALUE",
        show_default=False,
        help="Metadata of the version, as JSON or text; repeatable.",
    ),
]
InStack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        show_default=False,
        help="The stack whose artifact store keeps it; by default the active stack.",
    ),
]

_LARGE = 2**26
"""Bytes of a file from which on progress is shown."""


def declare_on(artifact: Noun) -> None:
    """Add the commands to the artifact group."""
    artifact.command("save")(save)
    artifact.command("register")(register)
    artifact.command("copy")(copy)
    artifact.command("delete")(delete)


def save(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file with the value.")],
    name: NewName,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            show_default=False,
            help=f"What the file contains: {', '.join(FORMATS)}; by default as its name says.",
        ),
    ] = None,
    label: NewLabel = None,
    tag: NewTags = None,
    metadata: NewMetadata = None,
    stack: InStack = None,
    message: Message = "",
) -> None:
    """Save the value in a file as a new version of an artifact.

    CSV and Parquet are loaded as pandas frames, npy as an array, PNG as a picture, JSON as its
    value, and other files as bytes.
    """
    chosen = format or format_of(file)
    if chosen not in FORMATS:
        raise WrongUsage(f"there is no format {chosen!r}: give one of {', '.join(FORMATS)}")
    if chosen == "bytes":
        register(str(file), name, label, tag, metadata, stack, message=message)
        return
    added = _metadata(metadata)
    value = read_value(file, chosen)
    with Workspace.open() as workspace:
        view = workspace.artifacts.save(
            value, name, label=label, tags=tag or (), metadata=added, stack=stack, why=message
        )
    echo(f"artifact {view.reference!r} saved: {view.type}")


def register(
    source: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A file or folder, which is copied, or the address of an object in the store.",
        ),
    ],
    name: NewName,
    label: NewLabel = None,
    tag: NewTags = None,
    metadata: NewMetadata = None,
    stack: InStack = None,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place", help="Leave the file where it is; its digest is verified when it is read."
        ),
    ] = False,
    message: Message = "",
) -> None:
    """Record a file, a folder or an object in the store as a new version of an artifact.

    An object in the artifact store, and a file with --in-place, are not copied: if they are changed
    or moved, the version cannot be loaded.
    """
    added = _metadata(metadata)
    with Workspace.open() as workspace, bar("reading", 100) as report:
        view = workspace.artifacts.register(
            source,
            name,
            label=label,
            tags=tag or (),
            metadata=added,
            stack=stack,
            copy=not in_place,
            why=message,
            copied=report and partial(_report, report),
        )
        where = " in place" if workspace.artifacts.describe(view.id).in_place else ""
    files = "" if view.files is None else f"{view.files:,} files, "
    echo(f"artifact {view.reference!r} registered{where}: {files}{view.size:,} bytes")


def _report(report: Callable[[int], None], done: int, size: int) -> None:
    if size > _LARGE:
        report(done * 100 // size)


def copy(
    name: Reference,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="STORE", show_default=False, help="The artifact store to copy it to."
        ),
    ],
    new_name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            show_default=False,
            help="The name of the copy; by default that of the artifact.",
        ),
    ] = None,
    message: Message = "",
) -> None:
    """Copy a version of an artifact to another artifact store, as a new version."""
    with Workspace.open() as workspace:
        view = workspace.artifacts.copy(name, to, name=new_name, why=message)
    echo(f"artifact {view.reference!r} copied to {to}: {view.size:,} bytes")


def delete(name: Reference, yes: Yes = False, message: Message = "") -> None:
    """Delete a version that was saved or registered; its number is not used again.

    Asks for confirmation on a terminal; requires --yes elsewhere. The stored bytes remain until
    they are pruned. An artifact that a run made is deleted with the run.
    """
    with Workspace.open() as workspace:
        found = workspace.artifacts.get(name).view
        confirm(f"artifact {found.reference!r}", yes)
        workspace.artifacts.delete(found.id, message)
    echo(f"artifact {found.reference!r} deleted")


def _metadata(pairs: Sequence[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs or ():
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise WrongUsage(f"--metadata {pair!r} is not KEY=VALUE")
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found
