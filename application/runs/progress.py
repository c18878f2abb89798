"""ProgressListener: receives the progress events of a run."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class StepEnd(NamedTuple):
    """The outcome of a step."""

    step: str
    status: str
    """"completed", "cached", "failed", "cancelled" or "skipped"."""
    seconds: float
    reason: str = ""
    """Its error in one line, or why it was cancelled or skipped."""


class ProgressListener(Protocol):
    """Receives progress events of one run.

    Events of steps may come from several threads at once. An exception of a listener is logged by
    the logger `stackfold.listeners`, and the run goes on.
    """

    def run_started(self, run: str, steps: Sequence[str], completed: Sequence[str]) -> None:
        """A run began or was resumed.

        Args:
            run: The run's name.
            steps: All its steps, in topological order.
            completed: Those that completed before the run was resumed.
        """
        ...

    def step_started(self, step: str) -> None:
        """A step began."""
        ...

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None:
        """An attempt failed; attempt number `attempt` begins in `delay` seconds."""
        ...

    def step_ended(self, end: StepEnd) -> None:
        """A step ended, and its outcome was recorded."""
        ...

    def run_ended(self, status: str) -> None:
        """The run ended as "completed", "failed" or "cancelled", and that was recorded."""
        ...


class NullListener:
    """Ignores all events."""

    def run_started(self, run: str, steps: Sequence[str], completed: Sequence[str]) -> None: ...

    def step_started(self, step: str) -> None: ...

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None: ...

    def step_ended(self, end: StepEnd) -> None: ...

    def run_ended(self, status: str) -> None: ...


NULL_LISTENER: ProgressListener = NullListener()
