"""Engines: what executes steps on other machines, and what can become of them there."""

from stackfold.domain.errors.refusal import StackfoldError


class EngineUnavailable(StackfoldError):
    """What should execute steps cannot be reached, refuses, or has no room for them."""

    def __init__(self, engine: str, problem: str) -> None:
        """Say what is wrong with `engine`, such as "the Ray cluster at 10.0.0.1:6379"."""
        self.engine, self.problem = engine, problem
        super().__init__(f"{engine} cannot be used: {problem}")


class StepLost(StackfoldError):
    """The machines that should execute a step died, one after another."""

    def __init__(self, engine: str, times: int, reason: str) -> None:
        """Say how many `times` that happened on `engine`, and what it last said of it."""
        self.engine, self.times, self.reason = engine, times, reason
        super().__init__(
            f"the step was lost {times} times, as what executed it on {engine} died: {reason}"
        )
