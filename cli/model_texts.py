"""`stackfold model register` and `model update`: the description, the tags and the card."""

from typing import Annotated

import typer

from stackfold.cli.model_version import AddTag, ModelName, RemoveTag
from stackfold.cli.options import ExpectedRevision, Message, Name, parse_pairs
from stackfold.cli.render import echo
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

Card = Annotated[
    list[str] | None,
    typer.Option(
        "--card",
        metavar="KEY=TEXT",
        show_default=False,
        help="A text of the model card: license, audience, use_cases, limitations, trade_offs or "
        "ethics; empty to remove it; repeatable.",
    ),
]


def register(
    name: Name,
    description: Annotated[
        str, typer.Option("--description", metavar="TEXT", help="What it is for.")
    ] = "",
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", show_default=False, help="Add a tag; repeatable."),
    ] = None,
    card: Card = None,
    message: Message = "",
) -> None:
    """Register a model; the first run that makes a version of it would, too."""
    texts = parse_pairs("--card", card)
    with Workspace.open() as workspace:
        view = workspace.models.register(name, description, tag or (), card=texts, why=message)
    echo(f"model {view.name!r} registered, revision {view.revision}")


def update(
    name: ModelName,
    description: Annotated[
        str | None,
        typer.Option(
            "--description", metavar="TEXT", show_default=False, help="Replace the description."
        ),
    ] = None,
    tag: AddTag = None,
    remove_tag: RemoveTag = None,
    card: Card = None,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Change the description, the tags or the card of a model."""
    texts = parse_pairs("--card", card)
    with Workspace.open() as workspace:
        tags = None
        if tag or remove_tag:
            kept = [
                each for each in workspace.models.get(name).tags if each not in (remove_tag or ())
            ]
            tags = [*dict.fromkeys([*kept, *(tag or ())])]
        view = workspace.models.update(
            name, description, tags, card=texts, why=message, expected_revision=expected_revision
        )
    echo(f"model {view.name!r} updated, revision {view.revision}")


def declare_on(model: Noun) -> None:
    """Add the commands of this module to the noun."""
    model.command("register")(register)
    model.command("update")(update)
