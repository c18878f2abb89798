"""`stackfold annotator dataset list`, `create`, `add`, `labelled`, `delete` and `url`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.cli import completion
from stackfold.cli.options import Columns, Message, Output, Yes, confirm, parse_columns
from stackfold.cli.render import Format, Shape, echo, note, show_rows
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.files.input_file import read_text
from stackfold.infrastructure.workspace import Workspace

_DATASETS = Shape(("name", "items", "labelled", "url"), ("name", "items", "labelled", "url"))
_LABELLED = Shape(("id", "item", "labels", "by", "at"), ("item", "labels", "by", "at"), ("labels",))
_LARGEST = 2**20
"""Bytes of the largest file of labels."""

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        show_default=False,
        help="The stack whose annotator is used; by default the active one.",
        autocompletion=completion.stacks,
    ),
]
Dataset = Annotated[str, typer.Argument(metavar="NAME", help="The name of the dataset.")]
Artifact = Annotated[
    str,
    typer.Argument(
        metavar="ARTIFACT", help="The artifact with the items: a frame or a list, such as texts@2."
    ),
]


def declare(noun: Noun) -> None:
    """Add the commands on datasets to the group of annotators.

    Args:
        noun: The group.
    """
    dataset = Noun("dataset", "Create, fill, read and delete datasets that people label.")
    _declare_changes(dataset)

    @dataset.command("list")
    def list_datasets(
        stack: Stack = None, columns: Columns = None, output: Output = Format.TABLE
    ) -> None:
        """List the datasets, and how much of each is labelled."""
        with Workspace.open() as workspace:
            found = _annotator(workspace, stack).datasets()
        show_rows([each._asdict() for each in found], _DATASETS, output, parse_columns(columns))

    @dataset.command("url")
    def url(name: Dataset, stack: Stack = None) -> None:
        """Print the address at which people label a dataset."""
        with Workspace.open() as workspace:
            echo(_annotator(workspace, stack).url(name))

    @dataset.command("labelled")
    def labelled(
        name: Dataset,
        save: Annotated[
            str | None,
            typer.Option(
                "--save",
                metavar="ARTIFACT",
                show_default=False,
                help="Save the labels as a new version of an artifact, and do not print them.",
            ),
        ] = None,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
        message: Message = "",
    ) -> None:
        """Print or save the labels that people gave so far, with who gave them and when."""
        with Workspace.open() as workspace:
            annotator = _annotator(workspace, stack)
            found = [each.record for each in annotator.labelled(name)]
            if save is not None:
                facts = {"dataset": name, "labelled": len(found), "url": annotator.url(name)}
                view = workspace.artifacts.save(
                    found, save, metadata=facts, stack=stack, why=message
                )
                echo(f"artifact {view.reference!r} saved: {len(found):,} labels")
                return
        show_rows(found, _LABELLED, output, parse_columns(columns))
        if not found:
            note("nothing is labelled yet")

    noun.include(dataset)


def _declare_changes(dataset: Noun) -> None:
    @dataset.command("create")
    def create(
        context: typer.Context,
        name: Dataset,
        artifact: Artifact,
        labels: Annotated[
            Path | None,
            typer.Option(
                "--labels",
                metavar="FILE",
                show_default=False,
                help="A file with the labels, in the annotator's own notation.",
            ),
        ] = None,
        choice: Annotated[
            list[str] | None,
            typer.Option(
                "--choice",
                metavar="TEXT",
                show_default=False,
                help="Instead of a file: a label, of which one is chosen; repeatable.",
            ),
        ] = None,
        stack: Stack = None,
    ) -> None:
        """Create a dataset with the items of an artifact."""
        if (labels is None) == (not choice):
            raise WrongUsage("give --labels, or --choice once or several times", context)
        wanted = list(choice or ()) if labels is None else read_text(labels, _LARGEST)
        with Workspace.open() as workspace:
            items = workspace.artifacts.load(artifact, no_pickle=True)
            view = _annotator(workspace, stack).create_dataset(name, wanted, items)
        echo(f"dataset {view.name!r} created with {view.items:,} items: {view.url}")

    @dataset.command("add")
    def add(name: Dataset, artifact: Artifact, stack: Stack = None) -> None:
        """Add the items of an artifact to a dataset, unless it has them."""
        with Workspace.open() as workspace:
            items = workspace.artifacts.load(artifact, no_pickle=True)
            added = _annotator(workspace, stack).add_items(name, items)
        echo(f"{added:,} items added to dataset {name!r}")

    @dataset.command("delete")
    def delete(name: Dataset, stack: Stack = None, yes: Yes = False) -> None:
        """Delete a dataset with its items and labels; artifacts stay.

        Asks for confirmation on a terminal; requires --yes elsewhere.
        """
        with Workspace.open() as workspace:
            annotator = _annotator(workspace, stack)
            annotator.url(name)  # it must exist
            confirm(f"dataset {name!r} and its labels", yes)
            annotator.delete_dataset(name)
        echo(f"dataset {name!r} deleted")


def _annotator(workspace: Workspace, stack: str | None) -> Any:
    """The annotator of a stack: an `application.ports.Annotator`."""
    return workspace.component("annotator", stack=stack)
