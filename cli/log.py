"""`stackfold log`: everything that happened; prove it, copy it, rebuild from it."""

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
from stackfold.cli.history_rows import LOG, record, row
from stackfold.cli.options import WHEN, Columns, Output, chosen
from stackfold.cli.progress_bar import bar
from stackfold.cli.render import Format, must_know, note, say, show_rows, warnings_as_notes
from stackfold.cli.table import table
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.domain.errors import Damaged, UnreadableEvent
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

log = Noun("log", "Look at everything that happened; prove, copy and replay it.", default="list")

_KINDS = (
    "stack",
    *(type.command for type in ComponentType),
    "flavor",
    "activation",
    "deployment",
    "run",
)


class LogForm(StrEnum):
    """The forms in which the log is shown."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


File = Annotated[Path, typer.Argument(metavar="FILE", help="The file, a JSON object a line.")]


@log.command("list")
def list_log(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", show_default=False, help=f"From then on: {WHEN}."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="WHEN", show_default=False, help="Up to then."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="AUTHOR", show_default=False, help="Only what they did."),
    ] = None,
    type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            show_default=False,
            help="Only what happened to stacks (stack), components of a type such as "
            "orchestrator, flavors (flavor), the choice of the active stack (activation), "
            "deployments (deployment), or runs (run).",
            autocompletion=lambda incomplete: [k for k in _KINDS if k.startswith(incomplete)],
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", show_default=False, help="Only what was called this then."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="NUMBER", help="Show at most so many.")
    ] = show.PAGE,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="Begin with the oldest, not the newest.")
    ] = False,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Show the latest, and then new ones as they come."),
    ] = False,
    columns: Columns = None,
    output: Annotated[
        LogForm, typer.Option("--output", help="The form to print it in; the JSON is whole.")
    ] = LogForm.TABLE,
) -> None:
    """Show what happened, newest first; `stackfold log` alone does the same."""
    wanted: dict[str, Any] = {"by": by, "kind": _kind(context, type), "name": name}
    if follow and (until or oldest_first or output == LogForm.JSON):
        raise WrongUsage("--follow goes with no --until, --oldest-first or --output json", context)
    with Workspace.open() as workspace:
        head = workspace.log.head().position
        entries = workspace.log.entries(
            since=since, until=until or head, newest_first=not oldest_first, **wanted
        )
        found = [*islice(entries, limit)]
        if follow:
            found.reverse()
        _show(workspace, found, output, chosen(columns))
        if follow:
            _follow(workspace, head, wanted, output, chosen(columns))
        elif next(entries, None):
            note("there are more: --limit shows more, or narrow it")
        elif not found:
            note("nothing here")


@log.command("head")
def head(output: Output = Format.TABLE) -> None:
    """Print the last position and its hash; noted elsewhere, they prove that nothing is cut off."""
    show.log_head(output)


@log.command("verify")
def verify(
    known: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="POSITION:HASH",
            show_default=False,
            help="A head that was noted earlier: the log must hold it.",
        ),
    ] = None,
) -> None:
    """Recompute the hash chain; check the database, its indexes and the read models against it.

    If something does not hold, it names the first position and exits with 1.
    """
    with Workspace.open() as workspace, bar("verifying", workspace.log.head().position) as tell:
        found = workspace.log.verify(known, tell)
    if not found.holds:
        place = f"#{found.position} " if found.position else ""
        raise Damaged(f"{place}{found.problem}; {found.remedy}")
    say(f"{found.events} events hold, head {found.head}")


@log.command("rebuild")
def rebuild() -> None:
    """Make the read models anew from the log, in one transaction; readers go on meanwhile."""
    with (
        warnings_as_notes(),
        Workspace.open() as workspace,
        bar("rebuilding", workspace.log.head().position) as tell,
    ):
        events = workspace.log.rebuild(tell)
    say(f"read models rebuilt from {events} events")


@log.command("fork")
def fork(
    home: Annotated[
        Path, typer.Argument(metavar="NEW_HOME", help="The folder of the copy; without a log yet.")
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="WHEN", show_default=False, help=f"Up to then: {WHEN}; else all of it."
        ),
    ] = None,
) -> None:
    """Create another home with the log up to a point in the past."""
    with warnings_as_notes(), Workspace.open() as workspace:
        made = workspace.log.fork(at, home)
    say(f"{made.position} events copied to {home}, head {made}")


@log.command("export")
def export(file: File) -> None:
    """Write the log to a new file: positions, times, authors and hashes, too."""
    with Workspace.open() as workspace:
        written = workspace.log.export(file)
    say(f"{written.position} events written to {file}, head {written}")


@log.command("import")
def import_log(file: File) -> None:
    """Create the home with an exported log; positions, times, authors and hashes are kept."""
    with warnings_as_notes():
        read = Workspace.import_log(file)
    say(f"{read.position} events read from {file}, head {read}")


@log.command("schema")
def schema(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Where the files go, such as stack.deleted.v1.json."),
    ],
) -> None:
    """Write a JSON Schema for every version of every event, a file each."""
    with Workspace.open() as workspace:
        written = workspace.log.write_schemas(folder)
    say(f"{written} schemas written to {folder}")


# -- how it is done


def _kind(context: typer.Context, type: str | None) -> str | None:
    if type is not None and type.replace("_", "-") not in _KINDS:
        raise WrongUsage(f"there is no type {type}: give one of {', '.join(_KINDS)}", context)
    return type and type.replace("-", "_")


def _show(
    workspace: Workspace, entries: list[HistoryEntry], output: str, columns: list[str] | None
) -> None:
    if output == LogForm.TABLE:
        show_rows([*map(row, entries)], LOG, Format.TABLE, columns)
        return
    must_know(LOG, columns)
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
) -> None:
    sys.stdout.flush()
    for entry in _new_entries(workspace, head, wanted):
        if output == LogForm.TABLE:
            text, _ = table([row(entry)], columns or LOG.table, LOG.vital)
            sys.stdout.write(text.partition("\n")[2])
        else:
            _write_line(_whole(workspace, entry), columns)
        sys.stdout.flush()


def _new_entries(workspace: Workspace, head: int, wanted: dict[str, Any]) -> Iterator[HistoryEntry]:
    for event in workspace.log.subscribe(after=head):
        yield from workspace.log.entries(since=event.position, until=event.position, **wanted)


def _whole(workspace: Workspace, entry: HistoryEntry) -> dict[str, Any]:
    """An entry with the event itself; without it where it was damaged."""
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
    say(json_text({field: entry[field] for field in fields}))
