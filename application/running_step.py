"""The step that is being executed, for components that it uses."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol


class StepRecord(Protocol):
    """The record of a running step; `runs.context.StepContext` is one."""

    metadata: Any
    """What it has recorded so far, as `runs.context.StepMetadata`."""

    def log_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Add metadata to the step; the last value of a name counts."""
        ...


running_step: ContextVar[StepRecord | None] = ContextVar("running_step", default=None)
"""The step that this thread executes; None outside of a step."""
