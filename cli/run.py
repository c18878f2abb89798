"""`stackfold run`: look up runs."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from stackfold.cli import answers, completion
from stackfold.cli.grammar import Noun
from stackfold.cli.options import (
    Columns,
    Output,
    Page,
    Size,
    SortBy,
    chosen,
    listing,
    matching,
)
from stackfold.cli.render import Format, show_one
from stackfold.cli.table import lines, table
from stackfold.infrastructure.workspace import Workspace

run = Noun("run", "Look up runs.")

_FIRST = (
    "id", "name", "pipeline", "status", "stack", "stack_revision", "started", "ended", "by", "why",
    "error", "source", "parameters", "fingerprint",
)  # fmt: skip
"""What a description for people begins with; the steps and the pin are tables of their own."""


@run.command("list")
def list_runs(
    id: Annotated[str | None, matching("id")] = None,
    name: Annotated[str | None, matching("name")] = None,
    pipeline: Annotated[str | None, matching("pipeline")] = None,
    stack: Annotated[str | None, matching("stack")] = None,
    stack_revision: Annotated[str | None, matching("stack_revision")] = None,
    status: Annotated[str | None, matching("status")] = None,
    started: Annotated[str | None, matching("started")] = None,
    ended: Annotated[str | None, matching("ended")] = None,
    by: Annotated[str | None, matching("by")] = None,
    fingerprint: Annotated[str | None, matching("fingerprint")] = None,
    sort_by: SortBy = "desc:started",
    page: Page = 1,
    size: Size = answers.PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List runs, the latest first.

    A VALUE must be equal; or write contains:, startswith:, endswith: or oneof:A,B,... before it.
    """
    filters = {
        "id": id,
        "name": name,
        "pipeline": pipeline,
        "stack": stack,
        "stack_revision": stack_revision,
        "status": status,
        "started": started,
        "ended": ended,
        "by": by,
        "fingerprint": fingerprint,
    }
    answers.runs(output, listing(filters, None, sort_by, page, size), chosen(columns))


@run.command("describe")
def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The run: its name, its id, or a unique beginning of either.",
            autocompletion=completion.runs,
        ),
    ],
    output: Output = Format.TABLE,
) -> None:
    """Show a run with its steps, and the exact stack that it used."""
    with Workspace.open() as workspace:
        record = _plain(workspace.run_queries.describe_run(name))
    if output != Format.TABLE:
        show_one(record, list(record), output)
        return
    show_one(record, _FIRST)
    _show_steps(record["steps"])
    _show_pin(record["pin"])
    for step in record["steps"]:
        if step["traceback"]:
            sys.stdout.write(f"\nstep {step['name']} raised:\n{lines(step['traceback'])}")


def _show_steps(steps: list[dict[str, Any]]) -> None:
    rows = [{**step, "outputs": [each["uri"] for each in step["outputs"]]} for step in steps]
    columns = ("name", "status", "started", "ended", "step_operator", "outputs")
    sys.stdout.write("\nsteps\n" + table(rows, columns, ("name", "status"))[0])


def _show_pin(pin: Mapping[str, Any]) -> None:
    rows = [each for held in pin["components"].values() for each in held]
    columns = ("type", "name", "flavor", "revision", "configuration")
    sys.stdout.write("\ncomponents\n" + table(rows, columns, columns[:4])[0])


def _plain(value: Any) -> Any:
    """A view as dictionaries and lists, however deep."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
