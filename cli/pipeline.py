"""`stackfold pipeline`: list and run pipelines, and build their images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackfold.cli import completion, show
from stackfold.cli.execution import Quiet, execute
from stackfold.cli.options import (
    Columns,
    Message,
    Output,
    Page,
    Size,
    SortBy,
    filter_option,
    listing,
    parse_columns,
    parse_pairs,
)
from stackfold.cli.progress_bar import waiting
from stackfold.cli.render import Format, echo, note, warnings_as_notes
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

if TYPE_CHECKING:
    from stackfold.application.ports.image_views import Recipe

pipeline = Noun("pipeline", "List and run pipelines, and build their images.")

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="The pipeline, as file.py:name or module:name; the name may be omitted if there is "
        "only one.",
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        show_default=False,
        help="The stack to use; by default the active one.",
        autocompletion=completion.stacks,
    ),
]


@pipeline.command("list")
def list_pipelines(
    name: Annotated[str | None, filter_option("name")] = None,
    status: Annotated[str | None, filter_option("status")] = None,
    stack: Annotated[str | None, filter_option("stack")] = None,
    by: Annotated[str | None, filter_option("by")] = None,
    sort_by: SortBy = "desc:started",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List the pipelines that have run, each with its latest run; the latest first."""
    filters = {"name": name, "status": status, "stack": stack, "by": by}
    wanted = listing(filters, None, sort_by, page, size)
    show.pipelines(output, wanted, parse_columns(columns))


@pipeline.command("run")
def run(
    source: Source,
    stack: Stack = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            show_default=False,
            help="A pipeline parameter, containers as JSON; repeatable.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            show_default=False,
            help="A YAML file with parameters, options, step settings and the stack.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", show_default=False, help="Tag the run; repeatable."),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Execute every step, ignoring the cache.")
    ] = False,
    from_stack: Annotated[
        str | None,
        typer.Option(
            "--from-stack",
            metavar="NAME",
            show_default=False,
            help="Take artifacts of this stack, too, that no alias stands for.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the job that a remote orchestrator would get, without running it.",
        ),
    ] = False,
    quiet: Quiet = False,
    message: Message = "",
) -> None:
    """Run a pipeline, and wait until it ends.

    Options take precedence over the file, and the file over the code.
    """
    given = parse_pairs("--parameter", parameter)
    settings: dict[str, Any] = {"tags": tuple(tag)} if tag else {}
    if no_cache:
        settings["enable_cache"] = False
    if from_stack is not None:
        settings["from_stack"] = from_stack
    with Workspace.open() as workspace:
        configuration = workspace.pipelines.configuration(config, **settings)
        found = workspace.pipelines.load(source)
        values = workspace.pipelines.parameters(found, given)
        if dry_run:
            with warnings_as_notes():
                document = workspace.runs.document(
                    found, values, configuration=configuration, stack=stack
                )
            echo(document.rstrip("\n"))
            return
        execute(
            lambda listener: workspace.runs.start(
                found,
                values,
                configuration=configuration,
                stack=stack,
                why=message,
                listener=listener,
            ),
            quiet or configuration.quiet,
        )


@pipeline.command("build")
def build(
    source: Source,
    stack: Stack = None,
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache", help="Build even if the image exists, from the current base image."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print the Containerfile and the contents without building."
        ),
    ] = False,
) -> None:
    """Build and push the image of a pipeline unless it exists; print its reference.

    The stack's image builder builds it from the pipeline's code and the stack's requirements, and
    pushes it to the stack's container registry.
    """
    with Workspace.open() as workspace:
        found = workspace.pipelines.load(source)
        if dry_run:
            _show(workspace.images.recipe(found, stack=stack))
            return
        with waiting(f"building the image of {found.name}"):
            image = workspace.images.build(found, stack=stack, rebuild=no_cache)
        what = "built and pushed" if image.is_pushed else "built"
        note(f"image {image.name} {what}" if image.is_new else f"image {image.name} exists")
        echo(image.reference)


def _show(recipe: "Recipe") -> None:
    echo(f"image: {recipe.name}")
    for title, text in (
        ("Containerfile", recipe.containerfile),
        ("requirements", recipe.requirements),
        ("code", "\n".join(recipe.files)),
    ):
        echo(f"\n{title}:\n{text.rstrip()}")
