"""Engines: what executes steps on other machines."""

from stackfold.domain.errors.bases import Conflict, Failed, Unavailable


class EngineUnavailable(Unavailable):
    """An engine cannot be reached, rejects the request, or has no capacity for it.

    Attributes:
        engine: The engine, such as "the Ray cluster at 10.0.0.1:6379".
        problem: What is wrong with it.
    """

    def __init__(self, engine: str, problem: str) -> None:
        self.engine = engine
        super().__init__(engine, problem)


class RunDetached(Unavailable):
    """A run goes on in its engine, but can no longer be waited for.

    Attributes:
        engine: What executes the run.
        problem: Why it is no longer waited for.
    """

    def __init__(self, engine: str, problem: str) -> None:
        self.engine = engine
        message = f"{engine} continues the run, which is no longer waited for: {problem}"
        super().__init__(engine, problem, message=message)


class StepLost(Failed):
    """Every machine that executed a step died.

    Attributes:
        engine: What executed it.
        times: How often.
        reason: What the engine reported last.
    """

    def __init__(self, engine: str, times: int, reason: str) -> None:
        self.engine, self.times, self.reason = engine, times, reason
        super().__init__(
            f"every machine that executed the step on {engine} died ({times} in all): {reason}"
        )


class StepKilled(Failed):
    """What executed a step on an engine was ended before the step had a result.

    Attributes:
        engine: The engine.
        reason: Why, according to the engine.
    """

    def __init__(self, engine: str, reason: str) -> None:
        self.engine, self.reason = engine, reason
        super().__init__(f"{engine} ended the step: {reason}")


class RemoteStepFailed(Failed):
    """A step failed in another process, which recorded what it raised.

    Attributes:
        error: What it raised, in one line.
        traceback: Its traceback.
    """

    def __init__(self, error: str, traceback: str) -> None:
        self.error, self.traceback = error, traceback
        super().__init__(error)


class EngineStopped(Failed):
    """An engine ended a run before all its steps had an outcome.

    Attributes:
        engine: The engine.
        state: The run's state according to the engine.
        reason: The reason that it gives; may be empty.
    """

    def __init__(self, engine: str, state: str, reason: str = "") -> None:
        self.engine, self.state, self.reason = engine, state, reason
        super().__init__(f"{engine} ended the run as {state}" + (f": {reason}" if reason else ""))


class StepNotRunnable(Conflict):
    """A step of a run cannot be executed, or not yet.

    Attributes:
        step: The step's name.
        run: The run's name.
        problem: Why not.
    """

    def __init__(self, step: str, run: str, problem: str) -> None:
        self.step, self.run, self.problem = step, run, problem
        super().__init__(f"step {step!r} of run {run!r} is not executed: {problem}")
