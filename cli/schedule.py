"""`stackfold schedule`: create schedules, change them, and see what they started."""

from typing import Annotated, Any

import typer

from stackfold.application.schedules.views import OccurrenceView, ScheduleDescription, ScheduleView
from stackfold.cli import completion
from stackfold.cli import schedule_options as options
from stackfold.cli import schedule_runs as _  # noqa: F401  # registers its commands
from stackfold.cli.history_rows import print_changes, show_history
from stackfold.cli.options import (
    AsOf,
    Columns,
    DryRun,
    ExpectedRevision,
    Limit,
    Message,
    Name,
    NewName,
    Output,
    Page,
    RevisionArgument,
    Size,
    SortBy,
    ToRevision,
    Yes,
    confirm,
    filter_option,
    listing,
    parse_columns,
    point_to_revert_to,
)
from stackfold.cli.render import Format, Shape, echo, note, show_one, show_rows, warnings_as_notes
from stackfold.cli.schedule_options import ScheduleName, schedule
from stackfold.cli.show import PAGE, more_rows, note_rest
from stackfold.domain.rfc3339 import to_the_second
from stackfold.infrastructure.workspace import Workspace

_SCHEDULES = Shape(
    ScheduleView._fields,
    ("name", "when", "pipeline", "stack", "state", "next", "last_run"),
    ("name", "when", "state"),
)


@schedule.command("create")
def create(
    name: Name,
    source: options.Source,
    cron: options.Cron = None,
    every: options.Every = None,
    at: options.At = None,
    on: options.OnEvent = None,
    of_stack: options.OfStack = None,
    of_model: options.OfModel = None,
    to_alias: options.ToAlias = None,
    timezone: options.Timezone = None,
    starts: options.Starts = None,
    ends: options.Ends = None,
    stack: options.Stack = None,
    parameter: options.Parameters = None,
    config: options.Config = None,
    tag: options.Tags = None,
    no_cache: options.NoCache = False,
    catch_up: options.CatchUpOption = None,
    catch_up_limit: options.CatchUpLimit = None,
    overlap: options.OverlapOption = None,
    description: options.Description = None,
    paused: Annotated[
        bool, typer.Option("--paused", help="Start nothing until it is resumed.")
    ] = False,
    no_check: options.NoCheck = False,
    message: Message = "",
) -> None:
    """Create a schedule, with one of --cron, --every, --at and --on.

    Its runs are started by `schedule run`, cron or systemd; those after events by `reactions run
    start-schedules`. The pipeline is loaded to check its parameters.
    """
    wanted = options.given(
        cron=cron,
        every=every,
        at=at,
        on=on and on.value,
        timezone=timezone,
        starts=starts,
        ends=ends,
        stack=stack,
        description=description,
        of=options.of_event(of_stack, of_model, to_alias),
        catch_up=catch_up and catch_up.value,
        catch_up_limit=catch_up_limit,
        overlap=overlap and overlap.value,
    )
    with Workspace.open() as workspace, warnings_as_notes():
        wanted |= options.configured(workspace, config, tag, no_cache, parameter)
        view = workspace.schedules.create(
            name, source, **wanted, paused=paused, check=not no_check, why=message
        )
    _confirm_change(view, "created")


@schedule.command("update")
def update(
    name: ScheduleName,
    source: options.NewSource = None,
    cron: options.Cron = None,
    every: options.Every = None,
    at: options.At = None,
    on: options.OnEvent = None,
    of_stack: options.OfStack = None,
    of_model: options.OfModel = None,
    to_alias: options.ToAlias = None,
    timezone: options.Timezone = None,
    starts: options.Starts = None,
    ends: options.Ends = None,
    stack: options.Stack = None,
    active_stack: Annotated[
        bool,
        typer.Option("--active-stack", help="Use the stack that is active when a run starts."),
    ] = False,
    parameter: options.Parameters = None,
    config: options.Config = None,
    tag: options.Tags = None,
    no_cache: options.NoCache = False,
    catch_up: options.CatchUpOption = None,
    catch_up_limit: options.CatchUpLimit = None,
    overlap: options.OverlapOption = None,
    description: options.Description = None,
    no_check: options.NoCheck = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Change what a schedule runs, or when; options that are not given stay.

    --parameter replaces all parameters, and --config, --tag and --no-cache the whole configuration.
    If the times change, those until now are not made up for.
    """
    changes = options.given(
        source=source,
        cron=cron,
        every=every,
        at=at,
        on=on and on.value,
        timezone=timezone,
        starts=starts,
        ends=ends,
        stack=stack,
        of=options.of_event(of_stack, of_model, to_alias),
        catch_up=catch_up and catch_up.value,
        catch_up_limit=catch_up_limit,
        overlap=overlap and overlap.value,
        description=description,
    )
    if active_stack:
        changes["stack"] = None
    with Workspace.open() as workspace, warnings_as_notes():
        changes |= options.configured(workspace, config, tag, no_cache, parameter)
        view = workspace.schedules.update(
            name, check=not no_check, why=message, expected_revision=expected_revision, **changes
        )
    _confirm_change(view, "updated")


@schedule.command("list")
def list_schedules(
    name: Annotated[str | None, filter_option("name")] = None,
    state: Annotated[str | None, filter_option("state")] = None,
    stack: Annotated[str | None, filter_option("stack")] = None,
    by: Annotated[str | None, filter_option("by")] = None,
    as_of: AsOf = None,
    sort_by: SortBy = "asc:name",
    page: Page = 1,
    size: Size = PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List schedules with their next time and their last run."""
    wanted = listing(
        {"name": name, "state": state, "stack": stack, "by": by}, None, sort_by, page, size
    )
    with Workspace.open() as workspace:
        views = workspace.schedules.list(wanted, as_of)
        more = more_rows(lambda part: workspace.schedules.list(part, as_of), wanted, len(views))
    records = [each._asdict() for each in views]
    if output == Format.TABLE:
        records = [_shown(each) for each in records]
    show_rows(records, _SCHEDULES, output, parse_columns(columns))
    note_rest(wanted, len(views), more, "schedule")


@schedule.command("describe")
def describe(
    name: ScheduleName,
    limit: Annotated[
        int,
        typer.Option("--limit", "-n", min=1, metavar="NUMBER", help="The number of latest times."),
    ] = 5,
    as_of: AsOf = None,
    output: Output = Format.TABLE,
) -> None:
    """Show a schedule with its next five times, and the latest ones with their runs."""
    with Workspace.open() as workspace:
        found = workspace.schedules.describe(name, as_of, limit=limit)
    record = found.schedule._asdict()
    if output != Format.TABLE:
        record["next_times"] = found.next_times
        record["occurrences"] = [each._asdict() for each in found.occurrences]
        show_one(record, [*record], output)
        return
    record = _described(found)
    show_one(record, [*record], output)


@schedule.command("history")
def history(
    name: ScheduleName, limit: Limit = None, columns: Columns = None, output: Output = Format.TABLE
) -> None:
    """Show the history of a schedule, even if deleted; newest first.

    Times without a run are part of it, and runs are not: see `describe`, or `run list --where
    "schedule = NAME"`.
    """
    with Workspace.open() as workspace:
        entries = workspace.schedules.history(name, limit)
    show_history(entries, "schedule", output, parse_columns(columns))


@schedule.command("pause")
def pause(
    name: ScheduleName, expected_revision: ExpectedRevision = None, message: Message = ""
) -> None:
    """Start no runs until the schedule is resumed; one that is running goes on."""
    with Workspace.open() as workspace:
        view = workspace.schedules.pause(name, why=message, expected_revision=expected_revision)
    echo(f"schedule {view.name!r} paused, revision {view.revision}")


@schedule.command("resume")
def resume(
    name: ScheduleName, expected_revision: ExpectedRevision = None, message: Message = ""
) -> None:
    """Start runs again, from the next time on."""
    with Workspace.open() as workspace:
        view = workspace.schedules.resume(name, why=message, expected_revision=expected_revision)
    _confirm_change(view, "resumed")


@schedule.command("rename")
def rename(
    name: ScheduleName,
    new_name: NewName,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Rename a schedule."""
    with Workspace.open() as workspace:
        view = workspace.schedules.rename(
            name, new_name, why=message, expected_revision=expected_revision
        )
    echo(f"schedule {view.name!r} renamed, revision {view.revision}")


@schedule.command("delete")
def delete(
    name: ScheduleName,
    expected_revision: ExpectedRevision = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Delete a schedule; its runs remain.

    Asks for confirmation on a terminal; requires --yes elsewhere.
    """
    with Workspace.open() as workspace:
        found = workspace.schedules.get(name)
        confirm(f"schedule {found.name!r}", yes)
        kinds = workspace.schedules.cluster_kinds(found.id)
        workspace.schedules.delete(found.id, why=message, expected_revision=expected_revision)
    echo(f"schedule {found.name!r} deleted, revision {found.revision + 1}")
    if kinds:
        # By its id, as another schedule may get its name.
        commands = [f"`stackfold schedule {each} {found.id} --delete`" for each in kinds]
        note(f"if it was applied to a cluster, delete it there, too: {' and '.join(commands)}")


@schedule.command("revert")
def revert(
    context: typer.Context,
    name: ScheduleName,
    revision: RevisionArgument = None,
    to: ToRevision = None,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Restore an earlier state of a schedule as a new revision; by default the one before."""
    to = point_to_revert_to(context, revision, to, as_of)
    with Workspace.open() as workspace:
        entries = workspace.schedules.revert(
            name,
            to,
            as_of=as_of,
            dry_run=dry_run,
            why=message,
            expected_revision=expected_revision,
        )
    print_changes(entries, dry_run)


@schedule.command("restore")
def restore(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Id or former name of the schedule.",
            autocompletion=completion.deleted("schedule"),
        ),
    ],
    dry_run: DryRun = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Restore a deleted schedule."""
    with Workspace.open() as workspace:
        entries = workspace.schedules.restore(
            name, dry_run=dry_run, why=message, expected_revision=expected_revision
        )
    print_changes(entries, dry_run)


# -- helpers


def _confirm_change(view: ScheduleView, done: str) -> None:
    echo(f"schedule {view.name!r} {done}, revision {view.revision}")
    if view.next:
        echo(f"  next: {to_the_second(view.next)}")
    elif view.trigger:
        echo(f"  {view.when}")
    else:
        echo(f"  next: never{', as it is paused' if view.state == 'paused' else ''}")


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    """A schedule in a table."""
    times = {name: record[name] and to_the_second(record[name]) for name in ("next", "last")}
    return {**record, **times, "stack": record["stack"] or "(active)"}


def _described(found: ScheduleDescription) -> dict[str, Any]:
    """A schedule with its times, one property for each."""
    record = _shown(found.schedule._asdict())
    for name in ("next", "last", "last_run", "cron", "every", "once", "trigger"):
        del record[name]
    for number, time in enumerate(found.next_times, 1):
        record[f"next.{number}"] = to_the_second(time)
    for number, each in enumerate(found.occurrences, 1):
        record[f"latest.{number}"] = _line(each)
    return record


def _line(each: OccurrenceView) -> str:
    when = to_the_second(each.time)
    if each.times > 1:
        when = f"{each.times} times from {when} to {to_the_second(each.until)}"
    about = each.run or each.error
    return f"{when} {each.outcome}{f': {about}' if about else ''}"
