"""What may be the cause of a failed run: what differs from the last completed one."""

import re
from typing import Any, NamedTuple

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.runs.run_views import RunDescription, RunView
from stackfold.infrastructure.workspace import Workspace

MOST_CHANGES = 5
MOST_DIFFERENCES = 8
_DIGEST = re.compile(r"[0-9a-f]{64}")


class RunTrouble(NamedTuple):
    """What differs from the last completed run of the pipeline on the stack."""

    good: RunView | None
    """The last completed run before; None if there is none."""
    changes: tuple[HistoryEntry, ...] = ()
    """Changes of the stack and its components in between, newest first."""
    more_changes: int = 0
    causes: tuple[Change, ...] = ()
    """Differences of what the runs were started with, which no change explains."""
    more_causes: int = 0


def run_trouble(workspace: Workspace, run: RunDescription) -> RunTrouble | None:
    """Compare a failed or interrupted run with the last completed one; None for any other."""
    if run.status not in {"failed", "interrupted"}:
        return None
    good = workspace.runs.previous(run.id, "completed")
    if good is None:
        return RunTrouble(None)
    compared = workspace.runs.compare([good.id, run.id])
    causes = compared.causes()
    return RunTrouble(
        good,
        tuple(compared.changes[:MOST_CHANGES]),
        max(0, len(compared.changes) - MOST_CHANGES),
        tuple(
            Change(f"{each.about} {each.field}", *map(_cut, each.values))
            for each in causes[:MOST_DIFFERENCES]
        ),
        max(0, len(causes) - MOST_DIFFERENCES),
    )


def _cut(value: Any) -> Any:
    """The beginning of a digest, as that of code; any other value as it is."""
    is_digest = isinstance(value, str) and _DIGEST.fullmatch(value)
    return f"{value[:8]}…" if is_digest else value
