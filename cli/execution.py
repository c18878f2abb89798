"""Executing a run: how it comes along, and how it ended."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from stackfold.application.runs.progress import ProgressListener
from stackfold.application.runs.run_views import RunView
from stackfold.cli.escapes import shown_lines
from stackfold.cli.gc_tuning import look_as_ever
from stackfold.cli.progress import watched
from stackfold.cli.render import say, warnings_as_notes
from stackfold.domain.errors import RunFailed

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not show how the run comes along.")]


def execute(run: Callable[[ProgressListener], RunView], quiet: bool) -> None:
    """Let something run, and print how it comes along and how it ended.

    Raises:
        RunFailed: A step raised; where in its code is printed.
    """
    look_as_ever()  # what the steps do is their own business
    try:
        with watched(quiet) as listener, warnings_as_notes():
            view = run(listener)
    except RunFailed as failure:
        sys.stdout.flush()
        # The step is the user's own code: where it failed is what they want to know. A refusal
        # of ours has no place in it, and is told by the error alone.
        where = failure.traceback.rstrip("\n")
        if where != failure.error:
            sys.stderr.write(shown_lines(where) + "\n")
        raise
    how = "is executed" if view.status == "running" else "completed"
    say(f"run {view.name!r} {how} on stack {view.stack!r}, revision {view.stack_revision}")
