"""`stackfold log`: show, verify, copy and rebuild the event log."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.application.history.views import HistoryEntry
from stackfold.cli import show
from stackfold.cli.escapes import json_text
from stackfold.cli.history_rows import LOG, in_one_line, record, row
from stackfold.cli.installed_types import installed_types, recorded_type
from stackfold.cli.options import WHEN, Columns, Output, parse_columns
from stackfold.cli.progress_bar import bar, waiting
from stackfold.cli.render import Format, check_columns, echo, note, show_rows, warnings_as_notes
from stackfold.cli.table import table
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.domain.errors import Damaged, UnreadableEvent
from stackfold.domain.eventsourcing.topics import is_prefixed_aggregate
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

log = Noun("log", "Show, verify, copy and rebuild the event log.", default="list")

_KINDS = (
    "stack",
    *(type.command for type in ComponentType),
    "flavor",
    "activation",
    "model",
    "model-version",
    "artifact-name",
    "deployment",
    "policy",
    "run",
)


class LogForm(StrEnum):
    """The output formats of the log."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file, with one JSON object per line.")
]


@log.command("list")
def list_log(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            show_default=False,
            help=f"Only events from this point on: {WHEN}.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="WHEN", show_default=False, help="Only events up to this point."
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            "--author",
            metavar="AUTHOR",
            show_default=False,
            help="Only events by this author, who may be given without the part from @ on.",
        ),
    ] = None,
    type: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            show_default=False,
            help="Only events of this type: stack, a component type such as orchestrator, "
            "flavor, activation, deployment, run, or that of another package, such as "
            "acme.approval; repeatable.",
            autocompletion=lambda incomplete: [k for k in _KINDS if k.startswith(incomplete)],
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            show_default=False,
            help="Only events of objects that had this name at the time.",
        ),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(
            "--grep",
            metavar="TEXT",
            show_default=False,
            help="Only events whose name, author, reason or values contain this text, in any case.",
        ),
    ] = None,
    runs: Annotated[
        bool, typer.Option("--runs", help="Also show the start and the end of runs.")
    ] = False,
    all: Annotated[
        bool, typer.Option("--all", "-a", help="Show every event, also of runs and their steps.")
    ] = False,
    oneline: Annotated[
        bool, typer.Option("--oneline", help="Show each event on one line, with its reason.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            min=1,
            metavar="NUMBER",
            show_default=False,
            help=f"The maximum number of events; by default {show.PAGE}.",
        ),
    ] = None,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="Start with the oldest event.")
    ] = False,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Keep showing new events as they are recorded."),
    ] = False,
    columns: Columns = None,
    output: Annotated[
        LogForm,
        typer.Option("--output", "-o", help="The output format; JSON includes the event data."),
    ] = LogForm.TABLE,
) -> None:
    """Show changes, newest first; this is the default command of `stackfold log`.

    Events of runs are no changes: --runs, --all or --type run shows them.
    """
    kinds = [_kind(context, each) for each in type or ()]
    detail = "all" if all or "run" in kinds else "runs" if runs else "changes"
    wanted: dict[str, Any] = {
        "by": by,
        "kinds": kinds,
        "name": name,
        "grep": grep,
        "detail": detail,
    }
    if oneline and (columns or output != LogForm.TABLE):
        raise WrongUsage("--oneline cannot be combined with --columns or --output", context)
    if follow and (until or oldest_first or output == LogForm.JSON):
        raise WrongUsage(
            "--follow cannot be combined with --until, --oldest-first or --output json", context
        )
    with Workspace.open() as workspace:
        head = workspace.log.head().position
        entries = workspace.log.entries(
            since=since, until=until or head, newest_first=not oldest_first, **wanted
        )
        found = [*islice(entries, limit or show.PAGE)]
        if follow:
            found.reverse()
        _show(workspace, found, output, parse_columns(columns), oneline)
        if follow:
            _follow(workspace, head, wanted, output, parse_columns(columns), oneline)
        elif found:
            if limit is None and next(entries, None):
                note("more events exist: raise --limit or add filters")
        else:
            hint = "" if detail == "all" else ": --all also searches the events of runs"
            note(f"no event matches{hint}")


@log.command("head")
def head(output: Output = Format.TABLE) -> None:
    """Print the last position and its hash, for a later `log verify --head`."""
    show.log_head(output)


@log.command("verify")
def verify(
    known: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="POSITION:HASH",
            show_default=False,
            help="A head that was saved earlier; the log must contain it.",
        ),
    ] = None,
) -> None:
    """Verify the hash chain, the database, its indexes and the read models.

    Exits with 1 and prints the first invalid position if the log was damaged.
    """
    with (
        warnings_as_notes(),
        Workspace.open() as workspace,
        bar("verifying", workspace.log.head().position) as report,
    ):
        found = workspace.log.verify(known, report)
    if not found.intact:
        place = f"#{found.position} " if found.position else ""
        raise Damaged(f"{place}{found.problem}; {found.remedy}")
    echo(f"{found.events} events verified, head {found.head}")


@log.command("rebuild")
def rebuild() -> None:
    """Rebuild the read models from the log in one transaction, without blocking readers."""
    with (
        warnings_as_notes(),
        Workspace.open() as workspace,
        bar("rebuilding", workspace.log.head().position) as report,
    ):
        events = workspace.log.rebuild(report)
    echo(f"read models rebuilt from {events} events")


@log.command("fork")
def fork(
    home: Annotated[
        Path, typer.Argument(metavar="NEW_HOME", help="The folder of the copy, without a log.")
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="WHEN",
            show_default=False,
            help=f"The last event to copy: {WHEN}; by default the whole log.",
        ),
    ] = None,
) -> None:
    """Create a new home with a copy of the log up to a past point."""
    with warnings_as_notes(), Workspace.open() as workspace:
        made = workspace.log.fork(at, home)
    echo(f"{made.position} events copied to {home}, head {made}")


@log.command("export")
def export(file: File) -> None:
    """Export the log to a new file, including positions, times, authors and hashes."""
    with Workspace.open() as workspace:
        events = workspace.log.head().position
        with waiting(f"exporting {events:,} events"):
            written = workspace.log.export(file)
    echo(f"{written.position} events written to {file}, head {written}")


@log.command("import")
def import_log(file: File) -> None:
    """Create the home from an exported log, preserving positions, times, authors and hashes."""
    with warnings_as_notes(), waiting(f"importing {file.name}"):
        read = Workspace.import_log(file)
    echo(f"{read.position} events read from {file}, head {read}")


@log.command("schema")
def schema(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="The folder to write to; files are named as in stack.deleted.v1.json.",
        ),
    ],
) -> None:
    """Write the JSON Schema of every version of every event, one file each."""
    with Workspace.open() as workspace:
        written = workspace.log.write_schemas(folder)
    echo(f"{written} schemas written to {folder}")


# -- helpers


def _kind(context: typer.Context, type: str) -> str:
    if is_prefixed_aggregate(type):
        return type
    command = type.replace("_", "-")
    kinds = (*_KINDS, *(each.command for each in installed_types()))
    if command not in kinds and recorded_type(command) is None:
        raise WrongUsage(f"unknown type {type}; valid types: {', '.join(kinds)}", context)
    return type.replace("-", "_")


def _show(
    workspace: Workspace,
    entries: list[HistoryEntry],
    output: str,
    columns: list[str] | None,
    oneline: bool,
) -> None:
    if oneline:
        sys.stdout.writelines(map(in_one_line, entries))
        return
    if output == LogForm.TABLE:
        show_rows([*map(row, entries)], LOG, Format.TABLE, columns)
        return
    check_columns(LOG, columns)
    whole = (_whole(workspace, entry) for entry in entries)
    if output == LogForm.JSON:
        show_rows([*whole], LOG, Format.JSON, columns)
        return
    for each in whole:
        _write_line(each, columns)


def _follow(
    workspace: Workspace,
    head: int,
    wanted: dict[str, Any],
    output: str,
    columns: list[str] | None,
    oneline: bool,
) -> None:
    sys.stdout.flush()
    for entry in _new_entries(workspace, head, wanted):
        if oneline:
            sys.stdout.write(in_one_line(entry))
        elif output == LogForm.TABLE:
            text, _ = table([row(entry)], columns or LOG.table, LOG.vital)
            sys.stdout.write(text.partition("\n")[2])
        else:
            _write_line(_whole(workspace, entry), columns)
        sys.stdout.flush()


def _new_entries(workspace: Workspace, head: int, wanted: dict[str, Any]) -> Iterator[HistoryEntry]:
    for event in workspace.log.subscribe(after=head):
        yield from workspace.log.entries(since=event.position, until=event.position, **wanted)


def _whole(workspace: Workspace, entry: HistoryEntry) -> dict[str, Any]:
    """An entry with topic and data of its event; data is None if the event is damaged."""
    topic, data = None, None
    try:
        for event in workspace.log.events(entry.position - 1, entry.position):
            topic, data = event.topic, event.data
    except UnreadableEvent as damaged:
        topic = damaged.topic
        note(str(damaged))
    return {**record(entry), "topic": topic, "data": data}


def _write_line(entry: dict[str, Any], columns: list[str] | None) -> None:
    fields = columns or LOG.fields
    echo(json_text({field: entry[field] for field in fields}))
