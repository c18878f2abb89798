"""Formats history entries, as rows of a table and as lines after a change."""

import sys
from collections.abc import Sequence
from typing import Any

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.cli.colour import GREEN, RED, YELLOW, coloured
from stackfold.cli.render import Format, Shape, echo, show_rows
from stackfold.cli.table import cell, fitted, room

HISTORY = Shape(
    HistoryEntry._fields,
    ("revision", "position", "when", "by", "what", "changes", "why"),
    ("revision", "position", "what"),
    ("what",),
    ("changes", "why"),
)
LOG = Shape(
    (*HistoryEntry._fields, "topic", "data"),
    ("position", "when", "by", "what", "changes", "why"),
    ("position", "what"),
    ("what",),
    ("changes", "why"),
)


def show_history(
    entries: Sequence[HistoryEntry], kind: str, output: str, columns: Sequence[str] | None = None
) -> None:
    """Print the history of one object; entries of other kinds are shown without a revision."""
    rows = [row(each) if output == Format.TABLE else record(each) for each in entries]
    if output == Format.TABLE:
        for entry, shown in zip(entries, rows, strict=True):
            if entry.kind == kind:
                shown["what"] = entry.action
            else:
                shown["revision"] = None
    show_rows(rows, HISTORY, output, columns)


def row(entry: HistoryEntry) -> dict[str, Any]:
    """An entry as a row of a table."""
    return {
        **entry._asdict(),
        "position": f"#{entry.position}",
        "what": what(entry),
        "changes": "; ".join(map(changed, entry.changes)),
    }


def in_one_line(entry: HistoryEntry) -> str:
    """An entry as one line, which a terminal does not wrap."""
    changes = "; ".join(map(changed, entry.changes))
    why = f" ({entry.why})" if entry.why else ""
    position = f"#{entry.position}"
    line = cell(f"{what(entry)}{why}{': ' if changes else ''}{changes}")
    if sys.stdout.isatty():
        line = fitted(line, room() - len(position) - 1)
    return f"{coloured(position, YELLOW)} {line}\n"


def record(entry: HistoryEntry) -> dict[str, Any]:
    """An entry as JSON-ready values."""
    changes = [each._asdict() for each in entry.changes]
    return {**entry._asdict(), "what": what(entry), "changes": changes}


def what(entry: HistoryEntry) -> str:
    """Summarize an entry, such as `artifact store 'shared' updated`."""
    match entry.kind:
        case "activation":
            after = next((each.after for each in entry.changes), None)
            done = f"stack {after!r} activated" if after else "activation undone"
            return f"{done} in a project" if "project:" in entry.name else done
        case "run":
            return f"run {entry.name!r}: {entry.action}"
    return f"{entry.kind.replace('_', ' ')} {entry.name!r} {entry.action}"


def changed(change: Change) -> str:
    """Format a change of one field: `path: a → b`, or `path: b` if there was no value."""
    after = cell(change.after)
    return f"{change.field}: " + (
        after if change.before is None else f"{cell(change.before)} → {after}"
    )


def print_change(change: Change, before: str = "") -> None:
    """Print a change of one field on an indented line, the values in the colours of differences."""
    after = coloured(cell(change.after), GREEN)
    old = "" if change.before is None else f"{coloured(cell(change.before), RED)} → "
    sys.stdout.write(f"{before}  {cell(change.field)}: {old}{after}\n")


def print_changes(entries: Sequence[HistoryEntry], dry_run: bool = False) -> None:
    """Print each entry with its changed fields."""
    before = "dry run: " if dry_run else ""
    for entry in entries:
        # The revision of an activation only counts activations.
        revision = "" if entry.kind == "activation" else f", revision {entry.revision}"
        echo(f"{before}{what(entry)}{revision}")
        for each in entry.changes:
            print_change(each, before)
