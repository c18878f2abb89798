"""`stackfold artifact alias` and `history`: names for versions that can be moved."""

import json
from typing import Annotated, Any

import typer

from stackfold.cli.artifact_content import Reference
from stackfold.cli.history_rows import show_history
from stackfold.cli.options import Columns, Limit, Message, Output, parse_columns
from stackfold.cli.render import Format, Shape, echo, note, plain, show_one, show_rows
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace

_DIFFERENCES = Shape(("about", "field", "before", "after"), ("about", "field", "before", "after"))


def declare_on(artifact: Noun) -> None:
    """Add the commands to the artifact group."""
    artifact.command("alias")(set_alias)
    artifact.command("history")(history)
    artifact.command("annotate")(annotate)
    artifact.command("diff")(diff)


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


def annotate(
    name: Reference,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", show_default=False, help="A tag to add; repeatable."),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata",
            metavar="NAME=VALUE",
            show_default=False,
            help="Metadata to add or replace; the value is JSON, or else text. Repeatable.",
        ),
    ] = None,
    remove_tag: Annotated[
        list[str] | None,
        typer.Option(
            "--remove-tag", metavar="TAG", show_default=False, help="A tag to remove; repeatable."
        ),
    ] = None,
    remove_metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--remove-metadata",
            metavar="NAME",
            show_default=False,
            help="Metadata to remove; repeatable.",
        ),
    ] = None,
    message: Message = "",
) -> None:
    """Change the tags and metadata of a version of an artifact; `undo` takes that back."""
    if not (tag or metadata or remove_tag or remove_metadata):
        raise WrongUsage("nothing given: give --tag, --metadata, --remove-tag or --remove-metadata")
    with Workspace.open() as workspace:
        view = workspace.artifacts.annotate(
            name,
            add=tag or (),
            remove=remove_tag or (),
            metadata=dict(map(_entry, metadata or ())),
            without=remove_metadata or (),
            why=message,
        )
    echo(f"artifact {view.reference!r} has the tags {', '.join(view.tags) or '-'}")


def diff(
    before: Reference,
    after: Annotated[str, typer.Argument(metavar="OTHER", help="The artifact to compare it with.")],
    output: Output = Format.TABLE,
) -> None:
    """Compare two artifacts: tags, metadata, origin, and the content of tables and JSON."""
    with Workspace.open() as workspace:
        found = workspace.artifacts.diff(before, after)
    if output in {Format.JSON, Format.YAML}:
        show_one(plain(found), found._fields, output)
        return
    rows = [each._asdict() for each in found.differences]
    if rows or output != Format.TABLE:
        show_rows(rows, _DIFFERENCES, output)
    if found.same_bytes:
        note("their bytes are equal")
    if found.omitted:
        note(f"not compared: {found.omitted}")


def _entry(text: str) -> tuple[str, Any]:
    """The name and the value in NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise WrongUsage(f"--metadata {text!r}: give NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def history(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name, PIPELINE/STEP/OUTPUT, or a version.")
    ],
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """Show who changed the aliases of an artifact when and why, newest first.

    Of NAME@VERSION, the changes of its tags and metadata.
    """
    with Workspace.open() as workspace:
        entries = workspace.artifacts.history(name, limit)
    kind = "artifact_note" if "@" in name else "artifact_name"
    show_history(entries, kind, output, parse_columns(columns))
