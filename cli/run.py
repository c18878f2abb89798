"""`stackfold run`: look up runs, compare them, go on with them, repeat and forget them."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.cli import completion, show
from stackfold.cli.escapes import shown_log
from stackfold.cli.execution import Quiet, execute
from stackfold.cli.history import DiffForm, DiffOutput, show_unified
from stackfold.cli.history_rows import LOG, changed, record, row, what
from stackfold.cli.options import (
    WHEN,
    Columns,
    Message,
    Output,
    Page,
    Size,
    SortBy,
    Yes,
    chosen,
    confirm,
    listing,
    matching,
)
from stackfold.cli.render import Format, note, plain, say, show_one
from stackfold.cli.table import lines, table
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace

run = Noun("run", "Look up, compare and repeat runs.")

_FIRST = (
    "id", "name", "pipeline", "status", "stack", "stack_revision", "started", "ended", "by", "why",
    "error", "source", "parameters", "tags", "metadata", "rerun_of", "fingerprint",
)  # fmt: skip
"""What a description for people begins with; the steps and the pin are tables of their own."""


def _name(which: str, metavar: str = "NAME") -> Any:
    return typer.Argument(
        metavar=metavar,
        help=f"{which}: its name, its id, or a unique beginning of either.",
        autocompletion=completion.runs,
    )


RunName = Annotated[str, _name("The run")]


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
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", show_default=False, help="Only those with it; repeatable."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="WHEN", show_default=False, help=f"Only those from then on: {WHEN}."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="WHEN", show_default=False, help="Only those up to then."),
    ] = None,
    sort_by: SortBy = "desc:position",
    page: Page = 1,
    size: Size = show.PAGE,
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
    wanted = listing(filters, None, sort_by, page, size)
    wanted = wanted._replace(tags=tuple(tag or ()), since=since, until=until)
    show.runs(output, wanted, chosen(columns))


@run.command("describe")
def describe(
    name: RunName,
    why: Annotated[
        bool,
        typer.Option("--why", help="Also why each step was or was not taken from the cache."),
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show a run with its steps, and the exact stack that it used."""
    with Workspace.open() as workspace:
        told = plain(workspace.run_queries.describe_run(name))
        if why:
            told["cache"] = plain([*workspace.runs.why(told["id"])])
    if output != Format.TABLE:
        show_one(told, list(told), output)
        return
    show_one(told, _FIRST)
    _show_steps(told["steps"])
    if why:
        columns = ("step", "status", "reason", "compared_with")
        sys.stdout.write("\ncache\n" + table(told["cache"], columns, columns[:3])[0])
    _show_pin(told["pin"])
    for step in told["steps"]:
        if step["traceback"]:
            sys.stdout.write(f"\nstep {step['name']} raised:\n{lines(step['traceback'])}")


@run.command("logs")
def logs(
    name: RunName,
    step: Annotated[
        str | None,
        typer.Argument(metavar="STEP", help="One step; by default all, each line with its step."),
    ] = None,
) -> None:
    """Print what the steps of a run printed and logged."""
    silent = True
    with Workspace.open() as workspace:
        for text in shown_log(workspace.runs.logs(name, step)):
            sys.stdout.write(text)
            silent = silent and not text
    if silent:
        note("nothing was printed")


@run.command("diff")
def diff(
    before: Annotated[str, _name("A run", "RUN")],
    after: Annotated[str, _name("The run to compare it with", "OTHER")],
    output: DiffOutput = DiffForm.TABLE,
) -> None:
    """Show in what two runs differ, and who changed it in between, and why.

    The stack and every value behind it, flavors, code, parameters, inputs, outputs and packages.
    """
    with Workspace.open() as workspace:
        found = workspace.run_diffs.diff(before, after)
    if output == DiffForm.JSON:
        told = {**plain(found), "changes": [record(each) for each in found.changes]}
        show_one(told, found._fields, Format.JSON)
        return
    if output == DiffForm.UNIFIED:
        changes = [
            Change(f"{each.about} {each.field}", each.before, each.after)
            for each in found.differences
        ]
        show_unified(changes, found.before.name, found.after.name)
    else:
        columns = ("about", "field", "before", "after")
        rows = [each._asdict() for each in found.differences]
        sys.stdout.write(table(rows, columns, columns[:2])[0])
    if not found.differences:
        note("no difference")
    _show_changes(found.changes, output)


@run.command("resume")
def resume(name: RunName, quiet: Quiet = False, message: Message = "") -> None:
    """Go on with a run that failed, was cancelled or interrupted, doing only what is missing.

    It goes on with the parameters, the configuration and the stack that it began with.
    """
    with Workspace.open() as workspace:
        execute(lambda listener: workspace.runs.resume(name, why=message, listener=listener), quiet)


@run.command("rerun")
def rerun(name: RunName, quiet: Quiet = False, message: Message = "") -> None:
    """Run the pipeline of a run again on what it was pinned to, whatever that is today."""
    with Workspace.open() as workspace:
        execute(lambda listener: workspace.runs.rerun(name, why=message, listener=listener), quiet)


@run.command("tag")
def tag_run(
    context: typer.Context,
    name: RunName,
    tag: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="The tags that it gets.")
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", metavar="TAG", show_default=False, help="A tag that it loses; repeatable."
        ),
    ] = None,
    message: Message = "",
) -> None:
    """Add tags to a run, and remove others."""
    if not tag and not remove:
        raise WrongUsage("say which tags", context)
    with Workspace.open() as workspace:
        view = workspace.runs.tag(name, tag or (), remove or (), why=message)
    say(f"run {view.name!r} tagged {', '.join(view.tags) or 'with nothing'}")


@run.command("delete")
def delete(name: RunName, yes: Yes = False, message: Message = "") -> None:
    """Forget a run. What it produced goes when it is pruned; the log keeps what it did."""
    with Workspace.open() as workspace:
        view = workspace.run_queries.run(name)
        confirm(f"run {view.name!r}", yes)
        workspace.runs.delete(view.id, why=message)
    say(f"run {view.name!r} deleted")


def _show_steps(steps: list[dict[str, Any]]) -> None:
    rows = [{**step, "outputs": [*map(_reference, step["outputs"])]} for step in steps]
    columns = ["name", "status", "started", "ended", "step_operator", "outputs"]
    if any(step["error"] for step in steps):
        columns.insert(2, "error")  # what it raised, or why it was skipped
    sys.stdout.write("\nsteps\n" + table(rows, columns, ("name", "status"))[0])


def _reference(artifact: Mapping[str, Any]) -> str:
    """What an artifact is found by."""
    return "{pipeline}/{step}/{name}@{version}".format_map(artifact)


def _show_pin(pin: Mapping[str, Any]) -> None:
    rows = [each for held in pin["components"].values() for each in held]
    columns = ("type", "name", "flavor", "revision", "configuration")
    sys.stdout.write("\ncomponents\n" + table(rows, columns, columns[:4])[0])


def _show_changes(changes: Sequence[HistoryEntry], output: str) -> None:
    if changes and output == DiffForm.TABLE:
        text, _ = table([*map(row, changes)], LOG.table, LOG.vital)
        sys.stdout.write(f"\nchanged in between\n{text}")
    elif changes:
        for each in changes:
            why = f" ({each.why})" if each.why else ""
            say(f"#{each.position} {each.when} {each.by}: {what(each)}{why}")
            for one in each.changes:
                say(f"  {changed(one)}")
