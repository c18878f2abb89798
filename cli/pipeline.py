"""`stackfold pipeline`: run pipelines."""

import sys
from typing import Annotated

import typer

from stackfold.cli import completion
from stackfold.cli.grammar import Noun
from stackfold.cli.options import Message, pairs
from stackfold.cli.render import say
from stackfold.domain.errors import RunFailed
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
    message: Message = "",
) -> None:
    """Run a pipeline and wait until it has ended."""
    given = pairs("--parameter", parameter)
    with Workspace.open() as workspace:
        found = workspace.load_pipeline(source)
        values = workspace.read_parameters(found, given)
        try:
            view = workspace.runs.start(found, values, stack=stack, why=message)
        except RunFailed as failure:
            sys.stdout.flush()
            # The step is the user's own code: where it failed is what they want to know.
            sys.stderr.write(failure.traceback.rstrip("\n") + "\n")
            raise
    say(f"run {view.name!r} completed on stack {view.stack!r}, revision {view.stack_revision}")
