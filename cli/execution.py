"""Executes a run, showing its progress and result."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from stackfold.application.runs.progress import ProgressListener
from stackfold.application.runs.run_views import RunView
from stackfold.cli.escapes import escaped_lines
from stackfold.cli.gc_tuning import restore_defaults
from stackfold.cli.progress import show_progress
from stackfold.cli.render import echo, warnings_as_notes
from stackfold.cli.script import is_quiet
from stackfold.domain.errors import RunFailed

_SHOWN = 3
"""The most metrics in the line of a result."""

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")]


def execute(run: Callable[[ProgressListener], RunView], quiet: bool) -> None:
    """Execute a run, and print its progress and result.

    Args:
        run: Starts the run with a progress listener, and returns it when it has ended.
        quiet: Do not show progress.

    Raises:
        RunFailed: A step raised; its traceback was printed.
    """
    restore_defaults()  # the steps are user code
    try:
        with show_progress(quiet or is_quiet()) as listener, warnings_as_notes():
            view = run(listener)
    except RunFailed as failure:
        sys.stdout.flush()
        # The step is user code: print where it raised. Stackfold's own errors have no traceback
        # in it, and their message is enough.
        traceback = failure.traceback.rstrip("\n")
        if traceback != failure.error:
            sys.stderr.write(escaped_lines(traceback) + "\n")
        raise
    how = "is executed" if view.status == "running" else "completed"
    made = "" if view.model_version is None else f": model {view.model_version}{_metrics(view)}"
    echo(f"run {view.name!r} {how} on stack {view.stack!r}, revision {view.stack_revision}{made}")


def _metrics(view: RunView) -> str:
    """The first metrics of a run in parentheses; empty if it has none."""
    shown = [f"{name} {value:g}" for name, value in view.metrics.items()]
    rest = [f"{len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return f" ({', '.join([*shown[:_SHOWN], *rest])})" if shown else ""
