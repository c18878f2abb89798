"""Who is told how a run comes along, while it does."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class StepEnd(NamedTuple):
    """How a step ended."""

    step: str
    status: str
    """"completed", "cached", "failed", "cancelled" or "skipped"."""
    seconds: float
    reason: str = ""
    """What it raised, in one line, or why it was cancelled or skipped."""


class ProgressListener(Protocol):
    """Is told; several threads may tell at once."""

    def run_started(self, run: str, steps: Sequence[str], kept: Sequence[str]) -> None:
        """A run begins, or goes on.

        Args:
            run: Its name.
            steps: All its steps, in topological order.
            kept: Those that had completed before it went on.
        """
        ...

    def step_started(self, step: str) -> None:
        """A step begins."""
        ...

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None:
        """An attempt failed for a reason; the one of that number begins in `delay` seconds."""
        ...

    def step_ended(self, end: StepEnd) -> None:
        """A step has ended, and that is recorded."""
        ...

    def run_ended(self, status: str) -> None:
        """The run has ended, and that is recorded: "completed", "failed" or "cancelled"."""
        ...


class NullListener:
    """Is told, and does nothing."""

    def run_started(self, run: str, steps: Sequence[str], kept: Sequence[str]) -> None: ...

    def step_started(self, step: str) -> None: ...

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None: ...

    def step_ended(self, end: StepEnd) -> None: ...

    def run_ended(self, status: str) -> None: ...


NULL_LISTENER: ProgressListener = NullListener()
