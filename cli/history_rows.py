"""Entries of a history: as rows, and as lines that say what was changed just now."""

from collections.abc import Sequence
from typing import Any

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.cli.render import Format, Shape, say, show_rows
from stackfold.cli.table import cell

HISTORY = Shape(
    HistoryEntry._fields,
    ("revision", "position", "when", "by", "what", "changes", "why"),
    ("revision", "position", "what"),
    ("what",),
)
LOG = Shape(
    (*HistoryEntry._fields, "topic", "data"),
    ("position", "when", "by", "what", "changes", "why"),
    ("position", "what"),
    ("what",),
)


def show_history(
    entries: Sequence[HistoryEntry], kind: str, output: str, columns: Sequence[str] | None = None
) -> None:
    """Print the history of one thing, which is of that kind; what was done to others is marked."""
    rows = [row(each) if output == Format.TABLE else record(each) for each in entries]
    if output == Format.TABLE:
        for entry, shown in zip(entries, rows, strict=True):
            if entry.kind == kind:
                shown["what"] = entry.action
            else:
                shown["revision"] = None
    show_rows(rows, HISTORY, output, columns)


def row(entry: HistoryEntry) -> dict[str, Any]:
    """An entry for people."""
    return {
        **entry._asdict(),
        "position": f"#{entry.position}",
        "what": what(entry),
        "changes": "; ".join(map(changed, entry.changes)),
    }


def record(entry: HistoryEntry) -> dict[str, Any]:
    """An entry for programs."""
    changes = [each._asdict() for each in entry.changes]
    return {**entry._asdict(), "what": what(entry), "changes": changes}


def what(entry: HistoryEntry) -> str:
    """What happened to what, such as `artifact store 'shared' updated`."""
    match entry.kind:
        case "activation":
            after = next((each.after for each in entry.changes), None)
            done = f"stack {after!r} activated" if after else "choice of a stack taken back"
            return f"{done} in a project" if "project:" in entry.name else done
        case "run":
            return f"run {entry.name!r}: {entry.action}"
    return f"{entry.kind.replace('_', ' ')} {entry.name!r} {entry.action}"


def changed(change: Change) -> str:
    """One field as text: `path: a → b`; what is new without an arrow."""
    after = cell(change.after)
    return f"{change.field}: " + (
        after if change.before is None else f"{cell(change.before)} → {after}"
    )


def tell(entries: Sequence[HistoryEntry], dry_run: bool = False) -> None:
    """Print what was changed, field by field, or in a dry run what would be."""
    before = "dry run: " if dry_run else ""
    for entry in entries:
        # How often somebody has activated something says nothing.
        revision = "" if entry.kind == "activation" else f", revision {entry.revision}"
        say(f"{before}{what(entry)}{revision}")
        for each in entry.changes:
            say(f"{before}  {changed(each)}")
