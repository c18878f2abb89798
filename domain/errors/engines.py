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


class RemoteStepFailed(StackfoldError):
    """A step failed, and what it raised is known by its record only."""

    def __init__(self, error: str, traceback: str) -> None:
        """Repeat what was recorded there: the `error` in one line, and its `traceback`."""
        self.error, self.traceback = error, traceback
        super().__init__(error)


class EngineStopped(StackfoldError):
    """An engine ended a run before all its steps had an outcome."""

    def __init__(self, engine: str, state: str, reason: str = "") -> None:
        """Say in which `state` the run is according to `engine`, and the `reason` it gives."""
        self.engine, self.state, self.reason = engine, state, reason
        super().__init__(f"{engine} ended the run as {state}" + (f": {reason}" if reason else ""))


class RunDetached(StackfoldError):
    """Whoever started a run no longer waits for it, though an engine goes on with it."""

    def __init__(self, engine: str, reason: str) -> None:
        """Say what executes the run, and why nobody waits for that."""
        self.engine, self.reason = engine, reason
        super().__init__(f"the run goes on, {engine} executes it; it is not waited for: {reason}")


class StepNotRunnable(StackfoldError):
    """A step of a run is to be executed that must not be, now or any more."""

    def __init__(self, step: str, run: str, problem: str) -> None:
        """Say why `step` of `run` is not executed."""
        self.step, self.run, self.problem = step, run, problem
        super().__init__(f"step {step!r} of run {run!r} is not executed: {problem}")
