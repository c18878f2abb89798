"""`stackfold model version`: list, describe and compare the versions of a model."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from stackfold.application.models.views import ModelVersionView
from stackfold.cli import completion
from stackfold.cli.options import (
    AsOf,
    Columns,
    ExpectedRevision,
    Limit,
    Message,
    Output,
    Yes,
    confirm,
    parse_columns,
    parse_pairs,
)
from stackfold.cli.render import Format, Shape, echo, first_rows, note, show_one, show_rows
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

version = Noun("version", "List, describe and compare the versions of a model.")

_VERSIONS = Shape(
    ModelVersionView._fields,
    ("number", "status", "aliases", "metrics", "run", "stack", "created"),
    ("number", "status", "aliases"),
)

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Name or id of the model, or a unique prefix of either.",
        autocompletion=completion.models,
    ),
]
Version = Annotated[
    str, typer.Argument(metavar="VERSION", help="A number, an alias, a name, or latest.")
]
AddTag = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", show_default=False, help="Add a tag; repeatable."),
]
RemoveTag = Annotated[
    list[str] | None,
    typer.Option(
        "--remove-tag", metavar="TAG", show_default=False, help="Remove a tag; repeatable."
    ),
]


@version.command("list")
def list_versions(
    name: ModelName,
    all: Annotated[
        bool, typer.Option("--all", help="Also versions whose run has not completed.")
    ] = False,
    where: Annotated[
        str,
        typer.Option(
            "--where",
            metavar="RULE",
            show_default=False,
            help="Only versions whose metrics meet a rule, such as 'auc >= 0.9'.",
        ),
    ] = "",
    as_of: AsOf = None,
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List the versions of a model, newest first."""
    with Workspace.open() as workspace:
        views = workspace.models.versions(name, all=all, as_of=as_of, where=where)
    views = first_rows(views, limit)
    show_rows([each._asdict() for each in views], _VERSIONS, output, parse_columns(columns))
    if not views:
        note("no run has completed a version yet")


@version.command("describe")
def describe(
    name: ModelName, version: Version, as_of: AsOf = None, output: Output = Format.TABLE
) -> None:
    """Show a version: its metrics, run and stack, and what is linked to it."""
    with Workspace.open() as workspace:
        view = workspace.models.describe_version(name, version, as_of)
    show_one(view._asdict(), view._fields, output)


@version.command("compare")
def compare(
    name: ModelName,
    versions: Annotated[
        list[str],
        typer.Argument(
            metavar="VERSION...",
            help="Two to twelve versions; MODEL@VERSION is one of another model.",
        ),
    ],
    as_of: AsOf = None,
    output: Output = Format.TABLE,
) -> None:
    """Compare versions of a model: their metrics, and what they were made of."""
    with Workspace.open() as workspace:
        found = workspace.models.compare(name, versions, as_of=as_of)
    titles = [each if "@" in each else f"{name}@{each}" for each in versions]
    shape = Shape(("field", *titles), ("field", *titles), ("field",))
    rows: Sequence[dict[str, Any]] = [
        {"field": each.field, **dict(zip(titles, each.values, strict=True))} for each in found
    ]
    show_rows(rows, shape, output)


@version.command("update")
def update(
    name: ModelName,
    version: Version,
    description: Annotated[
        str | None,
        typer.Option(
            "--description", metavar="TEXT", show_default=False, help="Replace the description."
        ),
    ] = None,
    tag: AddTag = None,
    remove_tag: RemoveTag = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata",
            metavar="KEY=VALUE",
            show_default=False,
            help="Add or replace an entry; JSON, or else a text; repeatable.",
        ),
    ] = None,
    message: Message = "",
    expected_revision: ExpectedRevision = None,
) -> None:
    """Change the description, the tags or the metadata of a version."""
    values = {key: _json(text) for key, text in parse_pairs("--metadata", metadata).items()}
    with Workspace.open() as workspace:
        view = workspace.models.annotate_version(
            name,
            version,
            description=description,
            add=tag or (),
            remove=remove_tag or (),
            metadata=values,
            why=message,
            expected_revision=expected_revision,
        )
    echo(f"model version '{view.model}@{view.number}' updated, revision {view.revision}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@version.command("delete")
def delete(
    name: ModelName,
    version: Version,
    expected_revision: ExpectedRevision = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Delete a version that no alias stands for; its number is not used again.

    Asks for confirmation on a terminal; requires --yes elsewhere.
    """
    with Workspace.open() as workspace:
        found = workspace.models.version(name, version)
        confirm(f"model version '{found.model}@{found.number}'", yes)
        workspace.models.delete_version(
            name, found.number, why=message, expected_revision=expected_revision
        )
    echo(f"model version '{found.model}@{found.number}' deleted")
