"""The current workspace: where pipelines run when they are called in a `with` block."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakSet

from stackfold.domain.errors import NoWorkspace

if TYPE_CHECKING:
    from stackfold.infrastructure.workspace import Workspace

_blocks: ContextVar[tuple["Workspace", ...]] = ContextVar("stackfold workspaces", default=())
"""The workspaces whose blocks this context is in, the innermost last.

The tuple is replaced, never changed: a task or thread that started with a copy of the context
keeps its own.
"""

_entered: "WeakSet[Workspace]" = WeakSet()
"""The workspaces that are in a block in any context."""


def enter(workspace: "Workspace") -> None:
    """Make a workspace the current one of this context."""
    _blocks.set((*_blocks.get(), workspace))
    _entered.add(workspace)


def leave(workspace: "Workspace") -> None:
    """End the innermost block of a workspace.

    It may be neither the innermost block nor have begun in this context.
    """
    _entered.discard(workspace)
    blocks = _blocks.get()
    for index in reversed(range(len(blocks))):
        if blocks[index] is workspace:
            _blocks.set((*blocks[:index], *blocks[index + 1 :]))
            return


def current_workspace(is_default: Callable[["Workspace"], bool]) -> "Workspace | None":
    """Return the workspace of the innermost block of this context; None outside of any.

    Args:
        is_default: Whether a workspace is the one that is used outside of any block.

    Raises:
        NoWorkspace: This context is in no block, but another context is in a block of a workspace
            that is not the default: that one was probably meant.
    """
    for workspace in reversed(_blocks.get()):
        if not workspace.closed:
            return workspace
    if not all(is_default(each) for each in [*_entered]):
        raise NoWorkspace
    return None
