"""Prints how runs differ: first what may be the cause, then what came of it."""

import re
import sys
from collections.abc import Sequence
from typing import Any

from stackfold.application.history.views import HistoryEntry
from stackfold.application.runs.run_diffs import ComparedField, RunComparison, RunDifference
from stackfold.cli.colour import BOLD, GREEN, RED, YELLOW, coloured
from stackfold.cli.escapes import json_text
from stackfold.cli.history_rows import print_change, what
from stackfold.cli.render import echo
from stackfold.cli.table import cell, table
from stackfold.cli.times import shown_time

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST = 200
"""The maximum number of characters of a value."""
_MOST_VALUES = 10
"""The maximum number of outputs that are shown by their values."""


def show_causes_first(comparison: RunComparison) -> None:
    """Print the causes with their values, the metrics, and what only follows from the causes."""
    causes, metrics = comparison.causes(), comparison.of("metrics")
    outcome = comparison.of("outcome", "metadata", "tags")
    downstream = comparison.of("inputs", "outputs")
    is_first = True
    if comparison.changes:
        _title("changes between the runs", is_first)
        show_changes(comparison.changes)
        is_first = False
    if causes:
        _title("causes", is_first)
        _show(causes, comparison)
        is_first = False
    if outcome or metrics or downstream:
        title = "differences without a recorded cause" if is_first else "consequences"
        _title(title, is_first)
        _show([*outcome, *metrics], comparison)
        _downstream(downstream, comparison)


def show_changes(changes: Sequence[HistoryEntry]) -> None:
    """Print each change with its author, its reason and its fields."""
    for each in changes:
        why = f" ({each.why})" if each.why else ""
        when = shown_time(each.when)
        sys.stdout.write(coloured(f"#{each.position} ", YELLOW))
        echo(f"{when} {each.by}: {what(each)}{why}")
        for one in each.changes:
            print_change(one)


def shown_value(value: Any, comparison: RunComparison) -> str:
    """Format a value: a digest is cut, or replaced by the small value that it stands for."""
    known = comparison.shown(value)
    if known is not value:
        return cell(value_text(known), _LONGEST)
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return f"{value[:8]}…"
    return cell(f"{value:.6g}" if isinstance(value, float) else value, _LONGEST)


def value_text(value: Any) -> str:
    """Format the small value of an output: a text as it is, others as JSON."""
    return value if isinstance(value, str) and value else json_text(value)


def known_values(difference: RunDifference, comparison: RunComparison) -> list[Any]:
    """The values of a difference, with small values of outputs in the place of their digests."""
    both = (difference.before, difference.after)
    shown = [comparison.shown(value) for value in both]
    return [
        one if one is value else value_text(one) for one, value in zip(shown, both, strict=True)
    ]


def difference(values: Sequence[Any]) -> str:
    """Format by how much the last number differs from the first; empty if one is no number."""
    first, last = values[0], values[-1]
    if not isinstance(first, int | float) or not isinstance(last, int | float):
        return ""
    return f"{last - first:+.4g}"


def _show(fields: Sequence[ComparedField], comparison: RunComparison) -> None:
    if len(comparison.runs) > 2:
        _show_table(fields, comparison)
        return
    abouts = max((len(each.about) for each in fields), default=0)
    names = max((len(cell(each.field)) for each in fields), default=0)
    for each in fields:
        about, field = each.about.ljust(abouts), cell(each.field).ljust(names)
        before, after = (shown_value(value, comparison) for value in each.values)
        by = f"  ({difference(each.values)})" if each.about == "metrics" else ""
        by = "" if by == "  ()" else by
        text = f"{coloured(before, RED)} → {coloured(after, GREEN)}{by}"
        sys.stdout.write(f"{about}  {field}  {text}\n")


def _show_table(fields: Sequence[ComparedField], comparison: RunComparison) -> None:
    names = [run.name for run in comparison.runs]
    rows = [
        {
            "about": each.about,
            "field": each.field,
            **{
                name: shown_value(value, comparison)
                for name, value in zip(names, each.values, strict=True)
            },
        }
        for each in fields
    ]
    if rows:
        columns = ("about", "field", *names)
        headings = ("ABOUT", "FIELD", *names)
        sys.stdout.write(table(rows, columns, columns[:2], headings=headings)[0])


def _downstream(fields: Sequence[ComparedField], comparison: RunComparison) -> None:
    """Print the outputs that are small values, and the number of all."""
    if not fields:
        return
    outputs = [each for each in fields if each.about == "outputs"]
    known = [
        each
        for each in outputs
        if any(comparison.shown(value) is not value for value in each.values)
    ]
    _show(known[:_MOST_VALUES], comparison)
    first = f", the first output is {outputs[0].field}" if outputs else ""
    values = "1 value" if len(fields) == 1 else f"{len(fields)} values"
    echo(f"{values} downstream{first} (--output json shows all)")


def _title(text: str, is_first: bool) -> None:
    sys.stdout.write(("" if is_first else "\n") + f"{coloured(text, BOLD)}\n")
