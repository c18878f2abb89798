"""The current workspace: where pipelines run when they are called in a `with` block."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakSet

from stackfold.application.running_step import StepRecord, running_step
from stackfold.domain.errors import NoWorkspace

if TYPE_CHECKING:
    from stackfold.infrastructure.workspace import Workspace

_blocks: ContextVar[tuple[tuple["Workspace", StepRecord | None], ...]] = ContextVar(
    "stackfold workspaces", default=()
)
"""The workspaces whose blocks this context is in, the innermost last, each with the step that
entered the block; None outside of a step.

The tuple is replaced, never changed: a task or thread that started with a copy of the context
keeps its own.
"""

_entered: "WeakSet[Workspace]" = WeakSet()
"""The workspaces that are in a block in any context."""


def enter(workspace: "Workspace") -> None:
    """Make a workspace the current one of this context."""
    _blocks.set((*_blocks.get(), (workspace, running_step.get())))
    _entered.add(workspace)


def leave(workspace: "Workspace") -> None:
    """End the innermost block of a workspace.

    It may be neither the innermost block nor have begun in this context.
    """
    _entered.discard(workspace)
    blocks = _blocks.get()
    for index in reversed(range(len(blocks))):
        if blocks[index][0] is workspace:
            _blocks.set((*blocks[:index], *blocks[index + 1 :]))
            return


def current_workspace(is_default: Callable[["Workspace"], bool]) -> "Workspace | None":
    """Return the workspace of the innermost block of this context; None outside of any.

    In a step, it is that of the run, wherever the step is executed, unless the step itself has
    entered a block.

    Args:
        is_default: Whether a workspace is the one that is used outside of any block.

    Raises:
        NoWorkspace: This context is in no block, but another context is in a block of a workspace
            that is not the default: that one was probably meant.
        LogUnavailable: The log of the step's run cannot be reached from here.
    """
    step = running_step.get()
    of_run = None if step is None else _workspace_of(step)
    for workspace, entered_by in reversed(_blocks.get()):
        if of_run is not None and entered_by is not step:
            break
        if not workspace.closed:
            return workspace
    if of_run is not None:
        return of_run()
    if not all(is_default(each) for each in [*_entered]):
        raise NoWorkspace
    return None


def _workspace_of(step: StepRecord) -> "Callable[[], Workspace] | None":
    """Return what opens the workspace of the run of a step; None if there is no run."""
    from stackfold.application.runs.context import StepContext
    from stackfold.infrastructure.run_log import RunLog, RunLogElsewhere

    if not isinstance(step, StepContext):
        return None
    log = step._run_log
    return partial(log.workspace, step.run) if isinstance(log, RunLog | RunLogElsewhere) else None
