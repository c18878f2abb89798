"""Expectations of commands on what changed after a position of the log."""

from stackfold.application.history.views import HistoryEntry
from stackfold.domain.errors import StalePosition


def stale(entry: HistoryEntry, expected: int) -> StalePosition:
    """The error for a change after the expected position.

    Args:
        entry: The change.
        expected: The position.
    """
    fields = [change.field for change in entry.changes]
    return StalePosition(
        entry.kind.replace("_", " "),
        entry.name,
        entry.revision,
        entry.by,
        fields,
        expected,
        entry.position,
        entry.action,
    )
