"""What an event changed: the fields in which a row of a read model differs from the one before."""

from collections.abc import Mapping
from typing import Any

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.read_model import Names, ReadModel
from stackfold.application.history.differences import differences
from stackfold.application.history.views import Change


def row_changes(
    model: ReadModel,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    names: Names,
) -> list[Change]:
    """The fields in which two revisions differ, those that were set before first.

    Args:
        model: The read model of the rows.
        before: Column → stored value until the event; None if there was no row.
        after: Column → stored value since the event; None if there is no row.
        names: Id → name, for what the rows refer to.
    """
    changes: list[Change] = []
    for column, describe in model.describe.items():
        old = before[column] if before else None
        new = after[column] if after else None
        if old == new:
            continue
        if column in model.json:
            # Compared as texts: to Python 1, 1.0 and True are equal; to a flavor they are not.
            old, new = cell(old or "{}"), cell(new or "{}")
        changes += differences(
            describe(old, names) if before else {}, describe(new, names) if after else {}
        )
    if len(changes) < 2:
        return changes
    return sorted(changes, key=lambda change: change.before is None)
