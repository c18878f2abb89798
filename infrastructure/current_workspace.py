"""Which workspace pipelines run in when they are called: the innermost `with` block's."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self, cast
from weakref import WeakSet

from stackfold.domain.errors import NoWorkspace

if TYPE_CHECKING:
    import tempfile

    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.workspace import Workspace

_blocks: ContextVar[tuple["InScope", ...]] = ContextVar("stackfold workspaces", default=())
"""Those whose blocks this context is in, the innermost last. Never changed in place, so that a
task or thread that was started with a copy of the context keeps its own."""

_entered: "WeakSet[InScope]" = WeakSet()
"""Those that are in a block, in any context."""


class InScope:
    """What has `with` blocks in which pipelines run in it, and is closed when they end."""

    if TYPE_CHECKING:  # what the workspace has
        _database: Database
        _temporary: "tempfile.TemporaryDirectory[str] | None"

    closed = False
    """Whether it has let go of the log."""

    @property
    def store(self) -> str | None:
        """The address of the shared log; None if it is a file in the home, or in memory."""
        return self._database.url

    @property
    def is_temporary(self) -> bool:
        """Whether nothing is left of it when it is closed."""
        return self._temporary is not None

    def close(self) -> None:
        """Let go of the log."""
        self.closed = True
        _entered.discard(self)
        self._database.close()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        _blocks.set((*_blocks.get(), self))
        _entered.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        blocks = _blocks.get()
        # Not always the innermost one; nor is it always in this context that the block began.
        for place in reversed(range(len(blocks))):
            if blocks[place] is self:
                _blocks.set((*blocks[:place], *blocks[place + 1 :]))
                break
        self.close()


def current_workspace(is_default: Callable[["Workspace"], bool]) -> "Workspace | None":
    """The workspace of the innermost block that this context is in; None outside of any.

    Args:
        is_default: Whether a workspace is the one that is used outside of any block.

    Raises:
        NoWorkspace: This context is in no block, but another one is in a block of another
            workspace than the default: that was most likely meant.
    """
    for workspace in reversed(_blocks.get()):
        if not workspace.closed:
            return cast("Workspace", workspace)
    if any(not is_default(cast("Workspace", each)) for each in [*_entered]):
        raise NoWorkspace
    return None
