"""`stackfold run`: inspect, compare, resume, rerun, tag and delete runs."""

import sys
from typing import Annotated, Any

import typer

from stackfold.application.history.views import Change
from stackfold.application.runs.last_states import last_states
from stackfold.application.runs.run_views import RunView
from stackfold.cli import completion, following, show
from stackfold.cli.escapes import escaped_output
from stackfold.cli.execution import Quiet, execute
from stackfold.cli.history import DiffForm, DiffOutput, show_unified
from stackfold.cli.history_rows import record
from stackfold.cli.options import (
    WHEN,
    Columns,
    Message,
    Output,
    Page,
    Size,
    Yes,
    confirm,
    filter_option,
    listing,
    parse_columns,
)
from stackfold.cli.render import Format, Shape, echo, note, plain, show_one, show_rows
from stackfold.cli.run_description import show_description, show_pin
from stackfold.cli.run_diff import known_values, show_causes_first, show_changes
from stackfold.cli.run_list import RunExtras, runs, show_runs
from stackfold.cli.table import lines, table
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace

run = Noun("run", "Inspect, watch, compare, resume and rerun runs.")

LATEST = "latest"
"""The reference of the latest run."""


def _name(which: str, metavar: str = "NAME", by_default: str = "") -> Any:
    return typer.Argument(
        metavar=metavar,
        help=f"Name or id of {which}, or a unique prefix of either; or latest, failed, good or a "
        f"pipeline, with ~1 for the one before{'; by default ' * bool(by_default)}{by_default}.",
        show_default=False,
        autocompletion=completion.runs,
    )


RunName = Annotated[str, _name("the run")]
LatestOrRunName = Annotated[str, _name("the run", by_default="the latest")]


@run.command("list")
def list_runs(
    id: Annotated[str | None, filter_option("id")] = None,
    name: Annotated[str | None, filter_option("name")] = None,
    pipeline: Annotated[str | None, filter_option("pipeline")] = None,
    stack: Annotated[str | None, filter_option("stack")] = None,
    stack_revision: Annotated[str | None, filter_option("stack_revision")] = None,
    status: Annotated[str | None, filter_option("status")] = None,
    started: Annotated[str | None, filter_option("started")] = None,
    ended: Annotated[str | None, filter_option("ended")] = None,
    by: Annotated[str | None, filter_option("by")] = None,
    fingerprint: Annotated[str | None, filter_option("fingerprint")] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", show_default=False, help="Only rows with this tag; repeatable."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            show_default=False,
            help=f"Only runs started from this point on: {WHEN}.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="WHEN",
            show_default=False,
            help="Only runs started up to this point.",
        ),
    ] = None,
    where: Annotated[
        str,
        typer.Option(
            "--where",
            metavar="CONDITIONS",
            show_default=False,
            help="Only runs that match, such as 'auc > 0.9 and param.lr <= 0.1'; see below.",
        ),
    ] = "",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            show_default=False,
            help="Show a metric as a column, of any step or as STEP.NAME; repeatable.",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME",
            show_default=False,
            help="Show a parameter as a column, of the pipeline or as STEP.NAME; repeatable.",
        ),
    ] = None,
    sort_by: Annotated[
        str,
        typer.Option(
            "--sort-by",
            metavar="[asc:|desc:]COLUMN",
            help="The column or metric to sort by; runs without the metric are last.",
        ),
    ] = "desc:position",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List runs, newest first.

    --where takes conditions NAME OPERATOR VALUE joined by "and". NAME is a metric (auc, or
    train.auc of the step train), param.NAME, metadata.NAME, tag, or a column such as pipeline;
    OPERATOR is one of > >= < <= = !=.

    A filter matches an equal value, or contains:TEXT, startswith:TEXT, endswith:TEXT, oneof:A,B,...
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
    if wanted.sort_by not in RunView._fields:
        wanted = wanted._replace(sort_by=sort_by.rpartition(":")[2])  # a metric, as it is
    wanted = wanted._replace(tags=tuple(tag or ()), since=since, until=until)
    also = RunExtras(where, tuple(metric or ()), tuple(param or ()))
    runs(output, wanted, parse_columns(columns), also)


@run.command("describe")
def describe(
    name: LatestOrRunName = LATEST,
    why: Annotated[
        bool,
        typer.Option("--why", help="Also explain why each step was or was not cached."),
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show a run, its steps, and the exact stack it ran on."""
    with Workspace.open() as workspace:
        run = workspace.runs.describe(name)
        described = {**plain(run), "metrics": run.metrics}
        if why:
            described["cache"] = plain([*workspace.runs.why(described["id"])])
    if output != Format.TABLE:
        show_one(described, list(described), output)
        return
    show_description(described)
    if why:
        columns = ("step", "status", "reason", "compared_with")
        sys.stdout.write("\ncache\n" + table(described["cache"], columns, columns[:3])[0])
    show_pin(described["pin"])
    for step in described["steps"]:
        if step["traceback"]:
            sys.stdout.write(f"\nstep {step['name']} raised:\n{lines(step['traceback'])}")


@run.command("logs")
def logs(
    name: LatestOrRunName = LATEST,
    step: Annotated[
        str | None,
        typer.Argument(
            metavar="STEP", help="One step; by default all, with the step before each line."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new output until the run ends.")
    ] = False,
) -> None:
    """Print the output and log messages of a run's steps.

    Of a step that is still running, it is the output so far. Of a line that a progress bar
    rewrites, the last state is printed.
    """
    with Workspace.open() as workspace:
        if follow:
            printed = following.follow(workspace, name, step)
        else:
            printed = False
            for text in escaped_output(last_states(workspace.runs.logs(name, step))):
                sys.stdout.write(text)
                printed = printed or bool(text)
    if not printed:
        note("there is no output")


@run.command("watch")
def watch(name: LatestOrRunName = LATEST) -> None:
    """Show the steps of a run while it is executed, also by another process, until it ends.

    Exits with 0 if the run completed, with 130 if it was cancelled, else with 1.
    """
    with Workspace.open() as workspace:
        code = following.watch(workspace, name)
    raise typer.Exit(code)


@run.command("diff")
def diff(
    before: Annotated[
        str | None, _name("the first run", "RUN", "the previous run of the pipeline")
    ] = None,
    after: Annotated[str, _name("the second run", "OTHER", "the latest run")] = LATEST,
    output: DiffOutput = DiffForm.TABLE,
) -> None:
    """Compare two runs: what may be the cause of a difference, and what came of it.

    Causes are the changes recorded between the runs, with author and reason, and differences of the
    stacks, flavors, configuration, parameters, code and packages. Values that only follow from them
    are counted; the other formats have all of them. Without a run, the latest run is compared with
    the run of its pipeline before it; with one, that run with the latest.
    """
    with Workspace.open() as workspace:
        if before is None:
            before = f"{workspace.runs.get(after).pipeline}~1"
        found = workspace.runs.diff(before, after)
    if output == DiffForm.JSON:
        described = {**plain(found), "changes": [record(each) for each in found.changes]}
        show_one(described, found._fields, Format.JSON)
        return
    if output == DiffForm.UNIFIED:
        changes = [
            Change(f"{each.about} {each.field}", *known_values(each, found.comparison))
            for each in found.differences
        ]
        show_unified(changes, found.before.name, found.after.name)
        show_changes(found.changes)
    else:
        show_causes_first(found.comparison)
    if not found.differences:
        note("no difference")


@run.command("compare")
def compare(
    names: Annotated[list[str], _name("each run", "RUN...")],
    output: Output = Format.TABLE,
) -> None:
    """Compare several runs, as `run diff` does two: only what differs, causes first.

    A metric or value that a run does not have is shown as "-".
    """
    with Workspace.open() as workspace:
        found = workspace.runs.compare(names)
    if output == Format.TABLE:
        show_runs([view._asdict() for view in found.runs])
        sys.stdout.write("\n")
        show_causes_first(found)
        if not found.differences:
            note("no difference")
        return
    if output in {Format.JSON, Format.YAML}:
        described = {**plain(found), "changes": [record(each) for each in found.changes]}
        show_one(described, found._fields, output)
        return
    columns = [run.name for run in found.runs]
    rows = [
        {"about": each.about, "field": each.field, **dict(zip(columns, each.values, strict=True))}
        for each in found.differences
    ]
    show_rows(rows, Shape(("about", "field", *columns), ()), output)


@run.command("resume")
def resume(name: LatestOrRunName = LATEST, quiet: Quiet = False, message: Message = "") -> None:
    """Resume a failed, cancelled or interrupted run, executing only missing steps.

    It uses the parameters, configuration and stack that the run started with.
    """
    with Workspace.open() as workspace:
        execute(lambda listener: workspace.runs.resume(name, why=message, listener=listener), quiet)


@run.command("rerun")
def rerun(
    name: LatestOrRunName = LATEST,
    fresh_inputs: Annotated[
        bool,
        typer.Option(
            "--fresh-inputs",
            help="Look up the artifacts of other runs again, instead of taking those of that run.",
        ),
    ] = False,
    quiet: Quiet = False,
    message: Message = "",
) -> None:
    """Run the pipeline of a run again, on the exact stack of that run."""
    with Workspace.open() as workspace:
        rerun = workspace.runs.rerun
        execute(
            lambda listener: rerun(name, why=message, fresh_inputs=fresh_inputs, listener=listener),
            quiet,
        )


@run.command("tag")
def tag_run(
    context: typer.Context,
    name: RunName,
    tag: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="Tags to add.")
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", metavar="TAG", show_default=False, help="A tag to remove; repeatable."
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step", metavar="STEP", show_default=False, help="Tag this step of the run instead."
        ),
    ] = None,
    message: Message = "",
) -> None:
    """Add and remove tags of a run, or of one of its steps."""
    if not tag and not remove:
        raise WrongUsage("no tag given: give TAG or --remove TAG", context)
    with Workspace.open() as workspace:
        view = workspace.runs.tag(name, tag or (), remove or (), why=message, step=step)
        what, tags = f"run {view.name!r}", view.tags
        if step is not None:
            steps = {each.name: each for each in workspace.runs.steps(view.id)}
            what, tags = f"step {step!r} of {what}", steps[step].tags
    echo(f"{what} tagged {', '.join(tags) or 'with nothing'}")


@run.command("delete")
def delete(name: RunName, yes: Yes = False, message: Message = "") -> None:
    """Delete a run; `artifact prune` then deletes its artifacts.

    Its events remain in the log.
    """
    with Workspace.open() as workspace:
        view = workspace.runs.get(name)
        confirm(f"run {view.name!r}", yes)
        workspace.runs.delete(view.id, why=message)
    echo(f"run {view.name!r} deleted")
