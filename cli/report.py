"""`stackfold report`: a run or a stack as one HTML file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from stackfold.cli import completion
from stackfold.cli.render import echo, note
from stackfold.cli.typer_ext import Noun
from stackfold.domain.errors import Ambiguous, NotFound, Unavailable
from stackfold.infrastructure.files.stack import write_text
from stackfold.infrastructure.workspace import Workspace

_STREAM = Path("-")

report = Noun("stackfold", "")


@report.command("report")
def write_report(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN|STACK",
            help="A run or a stack, by name, id or unique prefix; of runs also latest, failed, "
            "good or a pipeline. By default the latest run, with --stack the active stack.",
            autocompletion=completion.runs,
        ),
    ] = None,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output-file",
            "-o",
            metavar="FILE",
            show_default=False,
            help="The file to write; by default stdout.",
        ),
    ] = None,
    stack: Annotated[
        bool, typer.Option("--stack", help="The name is that of a stack, also if a run fits.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists.")
    ] = False,
) -> None:
    """Write a report of a run or a stack as one HTML file.

    The file needs no server, no script and no network: keep it with the results of CI, or send it.
    """
    try:
        from stackfold.web.report import report_on_run, report_on_stack
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in {"jinja2", "markupsafe"}:
            raise
        problem = f"it needs the package {error.name}: pip install 'stackfold[ui]'"
        raise Unavailable("the report", problem) from error

    with Workspace.open() as workspace:
        run = None if stack else _run(workspace, name)
        if run is None:
            found = workspace.stacks.get(name).name
            html, what = report_on_stack(workspace, found), f"stack {found!r}"
        else:
            html, what = report_on_run(workspace, run), f"run {run!r}"
    if output_file is None or output_file == _STREAM:
        sys.stdout.buffer.write(html.encode())
    else:
        write_text(output_file, html, overwrite)
        echo(f"report of {what} written to {output_file}")


def _run(workspace: Workspace, name: str | None) -> str | None:
    """The run that is meant; None if a stack is.

    Raises:
        NotFound: There is neither.
        Ambiguous: The name is a prefix of several runs, and no stack has it.
    """
    if name is None:
        return workspace.runs.get("latest").name
    is_stack = any(each.name == name for each in workspace.stacks.list())
    try:
        run = workspace.runs.get(name).name
    except (NotFound, Ambiguous) as error:
        if is_stack or _is_stack(workspace, name):
            return None
        if isinstance(error, Ambiguous):
            raise
        raise NotFound("run or stack", name) from error
    if is_stack:
        note(f"{name!r} is run {run!r} and also a stack: --stack reports on the stack")
    return run


def _is_stack(workspace: Workspace, reference: str) -> bool:
    try:
        workspace.stacks.get(reference)
    except NotFound:
        return False
    return True
