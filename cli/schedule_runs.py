"""`stackfold schedule run`, and what lets cron, systemd, Kubernetes and Kubeflow do so."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from stackfold.cli import completion
from stackfold.cli.render import echo, note, warnings_as_notes
from stackfold.cli.schedule_options import ScheduleName, schedule
from stackfold.cli.workers import reported, stopping
from stackfold.domain.errors import InvalidSchedule
from stackfold.infrastructure.workspace import Workspace


@schedule.command("run")
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="The schedules; by default all, also those that are created later.",
            show_default=False,
            autocompletion=completion.schedules,
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Start what is due now, wait until it ends, and return."),
    ] = False,
) -> None:
    """Run schedules until interrupted: start each run when its time has come.

    Several processes may run the same schedules, also on several machines: there is one run for
    each time. SIGTERM and Ctrl-C end it after the runs that were started; a second one cancels
    them. With --once the exit code is 1 if a run failed, or could not be started.
    """
    ending = "stopping after the runs that were started; again to cancel them"
    with (
        Workspace.open() as workspace,
        warnings_as_notes(),
        stopping(ending) as stop,
        reported("stackfold.schedules"),
    ):
        if not once:
            note(f"running {', '.join(names) if names else 'all schedules'}")
        done = workspace.schedules.run(*names or (), once=once, stop=stop)
    if once and done.failed:
        raise typer.Exit(1)


@schedule.command("crontab")
def crontab(name: ScheduleName) -> None:
    """Print a line for the crontab of this machine, which runs the schedule.

    The line runs `schedule run NAME --once`. If the schedule has another time zone than this
    machine, it does so every hour or minute, since most crons have only one.
    """
    with Workspace.open() as workspace:
        lines = workspace.schedules.crontab(name)
    echo(lines)


@schedule.command("systemd")
def systemd(
    name: ScheduleName,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FOLDER",
            show_default=False,
            help="Write the two files to a folder, such as ~/.config/systemd/user.",
        ),
    ] = None,
) -> None:
    """Print a service and a timer for systemd, which run the schedule.

    The service runs `schedule run NAME --once`.
    """
    with Workspace.open() as workspace:
        files = workspace.schedules.systemd(name)
    if folder is None:
        echo("\n".join(f"# {each.name}\n{each.text}" for each in files).rstrip("\n"))
        return
    for each in files:
        path = folder / each.name
        if path.exists():
            raise InvalidSchedule(f"the file {path}", "exists: delete it first")
    for each in files:
        (folder / each.name).write_text(each.text, encoding="utf-8")
        echo(str(folder / each.name))


_StoreSecret = Annotated[
    str | None,
    typer.Option(
        "--store-secret",
        metavar="NAME:KEY",
        show_default=False,
        help="The key of a secret in the cluster that holds the address of the log.",
    ),
]


@schedule.command("cronjob")
def cronjob(
    name: ScheduleName,
    apply: Annotated[
        bool, typer.Option("--apply", help="Create it in the cluster, or change it.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete it from the cluster, with its Jobs.")
    ] = False,
    store_secret: _StoreSecret = None,
) -> None:
    """Print a CronJob of Kubernetes, which runs the schedule in the cluster of its stack.

    Its pods run `schedule run NAME --once`, in the image of the stack's orchestrator or step
    operator `kubernetes`. They need a shared log.
    """
    _check_delete(delete, apply, store_secret)
    with Workspace.open() as workspace, warnings_as_notes():
        schedules = workspace.schedules
        if delete:
            _show_deleted("CronJob", schedules.delete_cronjob(name))
        elif apply:
            _show_applied("CronJob", schedules.apply_cronjob(name, store_secret=store_secret))
        else:
            echo(schedules.cronjob(name, store_secret=store_secret).rstrip("\n"))


@schedule.command("recurring-run")
def recurring_run(
    name: ScheduleName,
    apply: Annotated[
        bool, typer.Option("--apply", help="Create it in Kubeflow, or replace it.")
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it from Kubeflow.")] = False,
    store_secret: _StoreSecret = None,
) -> None:
    """Print a recurring run of Kubeflow, which runs the schedule in the Kubeflow of its stack.

    Its pods run `schedule run NAME --once`, in the image of the stack's orchestrator `kubeflow`.
    They need a shared log.
    """
    _check_delete(delete, apply, store_secret)
    with Workspace.open() as workspace, warnings_as_notes():
        schedules = workspace.schedules
        if delete:
            _show_deleted("recurring run", schedules.delete_recurring_run(name))
        elif apply:
            applied = schedules.apply_recurring_run(name, store_secret=store_secret)
            _show_applied("recurring run", applied)
        else:
            echo(schedules.recurring_run(name, store_secret=store_secret).rstrip("\n"))


def _check_delete(delete: bool, apply: bool, store_secret: str | None) -> None:
    if delete and (apply or store_secret):
        raise typer.BadParameter("--delete goes with no other option")


def _show_applied(kind: str, applied: tuple[str, Sequence[str]]) -> None:
    name, deleted = applied
    echo(f"{kind} {name!r} applied")
    for each in deleted:
        echo(f"{kind} {each!r} deleted")


def _show_deleted(kind: str, deleted: Sequence[str]) -> None:
    for each in deleted:
        echo(f"{kind} {each!r} deleted")
    if not deleted:
        note(f"there is no {kind} of this schedule")
