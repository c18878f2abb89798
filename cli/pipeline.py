"""`stackfold pipeline`: run pipelines."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.cli import completion
from stackfold.cli.execution import Quiet, execute
from stackfold.cli.grammar import Noun
from stackfold.cli.options import Message, pairs
from stackfold.cli.render import say, warnings_as_notes
from stackfold.infrastructure.workspace import Workspace

pipeline = Noun("pipeline", "Run pipelines.")


@pipeline.command("run")
def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="The pipeline, as file.py:name or module:name; the name may be left out where "
            "there is one pipeline only.",
        ),
    ],
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            metavar="NAME",
            show_default=False,
            help="The stack to run on; by default the active one. Which one is active stays.",
            autocompletion=completion.stacks,
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            show_default=False,
            help="A parameter of the pipeline; repeatable. Lists and the like as JSON.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            show_default=False,
            help="A YAML file with parameters, options, settings of steps and the stack.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", show_default=False, help="Tag the run; repeatable."),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Execute every step, whatever is known of it.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only print what an engine such as Kubeflow would be handed; run nothing.",
        ),
    ] = False,
    quiet: Quiet = False,
    message: Message = "",
) -> None:
    """Run a pipeline and wait until it has ended.

    What is given here comes before what the file says, and that before what the code says.
    """
    given = pairs("--parameter", parameter)
    settings: dict[str, Any] = {"tags": tuple(tag)} if tag else {}
    if no_cache:
        settings["enable_cache"] = False
    with Workspace.open() as workspace:
        configuration = workspace.load_configuration(config, **settings)
        found = workspace.load_pipeline(source)
        values = workspace.read_parameters(found, given)
        if dry_run:
            with warnings_as_notes():
                document = workspace.runs.document(
                    found, values, configuration=configuration, stack=stack
                )
            say(document.rstrip("\n"))
            return
        execute(
            lambda watcher: workspace.runs.start(
                found,
                values,
                configuration=configuration,
                stack=stack,
                why=message,
                watcher=watcher,
            ),
            quiet,
        )
