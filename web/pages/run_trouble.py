"""What may be the cause of a failed run: what differs from the last completed one."""

from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.application.runs.run_diffs import RunDiff, RunDifference
from stackfold.application.runs.run_views import RunDescription, RunView
from stackfold.infrastructure.workspace import Workspace

CAUSES = ("parameters", "code", "flavor", "configuration", "packages", "python")
MOST_CHANGES = 5
MOST_DIFFERENCES = 8


class RunTrouble(NamedTuple):
    """What differs from the last completed run of the pipeline on the stack."""

    good: RunView | None
    """The last completed run before; None if there is none."""
    changes: tuple[HistoryEntry, ...] = ()
    """Changes of the stack and its components in between, newest first."""
    more_changes: int = 0
    differences: tuple[RunDifference, ...] = ()
    """Differences of what the runs were started with, which no change explains."""
    more_differences: int = 0


def run_trouble(workspace: Workspace, run: RunDescription) -> RunTrouble | None:
    """Compare a failed or interrupted run with the last completed one; None for any other."""
    if run.status not in {"failed", "interrupted"}:
        return None
    good = workspace.runs.previous(run.id, "completed")
    if good is None:
        return RunTrouble(None)
    diff = workspace.runs.diff(good.id, run.id)
    causes = [each for each in diff.differences if _is_cause(each, diff)]
    return RunTrouble(
        good,
        tuple(diff.changes[:MOST_CHANGES]),
        max(0, len(diff.changes) - MOST_CHANGES),
        tuple(causes[:MOST_DIFFERENCES]),
        max(0, len(causes) - MOST_DIFFERENCES),
    )


def _is_cause(difference: RunDifference, diff: RunDiff) -> bool:
    """Whether no recorded change, and no parameter of the pipeline, says the same."""
    about, field, before, after = difference
    if about not in CAUSES:
        return False
    name = field.rpartition(".")[2]
    if about == "parameters":
        return field == name or (about, name, before, after) not in diff.differences
    # A default is not in the change that replaced it: only what it became is compared.
    changed = [(each.field, each.after) for entry in diff.changes for each in entry.changes]
    return about != "configuration" or (name, after) not in changed
