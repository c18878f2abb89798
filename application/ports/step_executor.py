"""StepExecutor: executes the call of a step in a thread, a process or on another machine."""

from collections.abc import Callable
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class StepExecutor(Protocol):
    """Executes calls in the calling thread, in another process or on another machine."""

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call and wait for its result.

        Args:
            call: Reads its inputs from the artifact store and writes its outputs there, so that
                both the call and its result stay small.
            timeout: Time limit in seconds; None for no limit.

        Raises:
            StepTimedOut: The limit was exceeded. The call was stopped or abandoned.
            StepStopped: The call was stopped because the run ends.
            BaseException: What the call raised.
        """
        ...

    def run_inline(self, call: Callable[[], Result]) -> Result:
        """Execute a call in the calling thread, and stop it when the run ends.

        Args:
            call: Executes the step.

        Raises:
            StepStopped: The call was stopped because the run ends.
            BaseException: What the call raised.
        """
        ...
