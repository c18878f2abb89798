"""Prints how two runs differ: first what may be the cause, then what came of it."""

import re
import sys
from collections.abc import Sequence

from stackfold.application.history.views import HistoryEntry
from stackfold.application.runs.run_diffs import RunDiff, RunDifference
from stackfold.cli.colour import BOLD, GREEN, RED, YELLOW, coloured
from stackfold.cli.history_rows import changed, what
from stackfold.cli.render import echo
from stackfold.cli.table import cell
from stackfold.cli.times import shown_time

_CAUSES = ("stack", "flavor", "configuration", "parameters", "code", "packages", "python")
_DOWNSTREAM = ("inputs", "outputs")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST = 200
"""The maximum number of characters of a value."""


def show_causes_first(diff: RunDiff) -> None:
    """Print the causes with their values, and the number of values that only follow from them."""
    causes = [
        each
        for about in _CAUSES
        for each in diff.differences
        if each.about == about and not _is_explained(each, diff)
    ]
    outcome = [each for each in diff.differences if each.about == "outcome"]
    downstream = [each for each in diff.differences if each.about in _DOWNSTREAM]
    if diff.changes:
        _title("changes between the runs", is_first=True)
        show_changes(diff.changes)
    if causes:
        _title("causes", is_first=not diff.changes)
        _show(causes)
    if outcome or downstream:
        has_cause = bool(causes or diff.changes)
        _title(
            "consequences" if has_cause else "differences without a recorded cause",
            is_first=not has_cause,
        )
        _show(outcome)
        _count(downstream)


def show_changes(changes: Sequence[HistoryEntry]) -> None:
    """Print each change with its author, its reason and its fields."""
    for each in changes:
        why = f" ({each.why})" if each.why else ""
        when = shown_time(each.when)
        sys.stdout.write(coloured(f"#{each.position} ", YELLOW))
        echo(f"{when} {each.by}: {what(each)}{why}")
        for one in each.changes:
            echo(f"  {changed(one)}")


def _is_explained(difference: RunDifference, diff: RunDiff) -> bool:
    """Tell whether another line says it: a recorded change, or a parameter of the pipeline."""
    about, field, before, after = difference
    subject, _, name = field.rpartition(".")
    match about:
        case "stack":
            return name == "revision" and bool(diff.changes)
        case "configuration":
            return any(
                entry.kind == subject.partition("[")[0]
                and (change.field, change.before, change.after) == (name, before, after)
                for entry in diff.changes
                for change in entry.changes
            )
        case "parameters":
            return bool(subject) and any(
                each == (about, name, before, after) for each in diff.differences
            )
    return False


def _show(differences: Sequence[RunDifference]) -> None:
    abouts = max((len(each.about) for each in differences), default=0)
    fields = max((len(cell(each.field)) for each in differences), default=0)
    for each in differences:
        about, field = each.about.ljust(abouts), cell(each.field).ljust(fields)
        before, after = coloured(_value(each.before), RED), coloured(_value(each.after), GREEN)
        sys.stdout.write(f"{about}  {field}  {before} → {after}\n")


def _value(value: object) -> str:
    text = cell(value, _LONGEST)
    return f"{text[:8]}…" if _DIGEST.fullmatch(text) else text


def _count(downstream: Sequence[RunDifference]) -> None:
    if not downstream:
        return
    outputs = [each.field for each in downstream if each.about == "outputs"]
    first = f", the first output is {outputs[0]}" if outputs else ""
    values = "1 value" if len(downstream) == 1 else f"{len(downstream)} values"
    echo(f"{values} downstream{first} (--output unified shows all)")


def _title(text: str, is_first: bool) -> None:
    sys.stdout.write(("" if is_first else "\n") + f"{coloured(text, BOLD)}\n")
