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
        """A step began.

        Args:
            step: The step.
        """
        ...

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None:
        """An attempt failed; attempt number `attempt` begins in `delay` seconds.

        Args:
            step: The step.
            attempt: The number of the next attempt.
            reason: The error of the last one, in one line.
            delay: Seconds until the next attempt.
        """
        ...

    def step_ended(self, end: StepEnd) -> None:
        """A step ended, and its outcome was recorded.

        Args:
            end: The outcome of the step.
        """
        ...

    def run_ended(self, status: str) -> None:
        """The run ended as "completed", "failed" or "cancelled", and that was recorded.

        Args:
            status: The outcome.
        """
        ...


class NullListener:
    """Ignores all events."""

    def run_started(self, run: str, steps: Sequence[str], completed: Sequence[str]) -> None: ...

    def step_started(self, step: str) -> None: ...

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None: ...

    def step_ended(self, end: StepEnd) -> None: ...

    def run_ended(self, status: str) -> None: ...


NULL_LISTENER: ProgressListener = NullListener()
