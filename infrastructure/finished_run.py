"""A run that completed, in Python."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackfold.application.runs.run_views import RunView
from stackfold.domain.errors import LogUnavailable

if TYPE_CHECKING:
    from stackfold.application.runs.cache_reasons import CacheReason
    from stackfold.application.runs.run_views import RunDescription
    from stackfold.infrastructure.workspace import Workspace


@dataclass(frozen=True)
class FinishedRun:
    """A run that completed, and the way to what it produced."""

    view: RunView
    home: Path
    """The home of the workspace that knows it."""
    store: str | None = None
    """The address of the shared log that it is in; None if that is in the home."""
    _workspace: "Workspace | None" = field(default=None, repr=False, compare=False)
    """That it was run in; None in another process."""

    @classmethod
    def of(cls, view: RunView, workspace: "Workspace") -> "FinishedRun":
        """A run that completed in a workspace."""
        return cls(view, workspace.home, workspace.store, workspace)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.view, self.home, self.store)

    @property
    def id(self) -> str:
        """Its id."""
        return self.view.id

    @property
    def name(self) -> str:
        """Its name."""
        return self.view.name

    @property
    def status(self) -> str:
        """Its status: "completed"; a run that failed raised instead."""
        return self.view.status

    def describe(self) -> "RunDescription":
        """Its steps, and everything that it was pinned to."""
        with self._opened() as workspace:
            return workspace.runs.describe(self.id)

    def why(self) -> "Sequence[CacheReason]":
        """Why each of its steps was or was not taken from the cache."""
        with self._opened() as workspace:
            return workspace.runs.why(self.id)

    def load(self, step: str, output: str | None = None) -> Any:
        """A value that it produced.

        Args:
            step: The step's name.
            output: The output's name; may be left out if there is one.

        Raises:
            NotFound: There is no such output.
            ArtifactDamaged: The value is gone, or not what was written.
            LogUnavailable: It was run in a workspace in memory, which is closed.
        """
        with self._opened() as workspace:
            return workspace.runs.load(self.id, step, output)

    @contextmanager
    def _opened(self) -> "Iterator[Workspace]":
        """The workspace that it was run in; opened once more, if it was closed."""
        from stackfold.infrastructure.workspace import Workspace

        known = self._workspace
        if known is not None and not known.closed:
            yield known
            return
        if known is not None and known._temporary:
            raise LogUnavailable("memory", "was closed: ask in its `with` block")
        again = Workspace.open(self.home, self.store)
        try:
            yield again
        finally:
            again.close()
