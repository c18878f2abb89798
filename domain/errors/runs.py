"""Pipelines, runs and steps."""

from stackfold.domain.errors.bases import Busy, Conflict, Failed, Invalid


class InvalidPipeline(Invalid):
    """A pipeline's functions do not make a graph that can run, or its options are invalid."""


class NoWorkspace(Conflict):
    """A pipeline was called outside of every workspace's block, while another thread is in one."""

    def __init__(self) -> None:
        super().__init__(
            "no workspace is in scope here, though one was entered elsewhere in this program: use "
            "`workspace.run(pipeline, ...)`, or start the thread by contextvars.copy_context().run"
        )


class NotInStep(Conflict):
    """The context of a step was requested while no step is being executed."""

    def __init__(self) -> None:
        super().__init__(
            "no step is being executed here: call get_context() in a step of a run, and hand the "
            "context to threads that the step starts"
        )


class RunFailed(Failed):
    """A run did not complete; its cause is the exception of the step that failed.

    Attributes:
        run: The run's name.
        step: The step's name; empty if no step failed.
        error: What was raised, in one line.
        traceback: Its traceback, from the step's function on.
    """

    def __init__(self, run: str, step: str, error: str, traceback: str = "") -> None:
        self.run, self.step, self.error, self.traceback = run, step, error, traceback
        where = f" in step {step!r}" if step else ""
        super().__init__(f"run {run!r} failed{where}: {error}")


class NotResumable(Conflict):
    """A run cannot be resumed.

    Attributes:
        run: The run's name.
        problem: Why not, as a predicate.
    """

    def __init__(self, run: str, problem: str) -> None:
        self.run, self.problem = run, problem
        super().__init__(f"run {run!r} {problem}")


class RunEnded(Conflict):
    """A run has ended, so nothing more can be recorded of it.

    Attributes:
        run: The run's name.
        status: How it ended, such as "completed".
    """

    def __init__(self, run: str, status: str) -> None:
        self.run, self.status = run, status
        super().__init__(f"run {run!r} has ended already: it is {status}")


class RunBusy(Busy):
    """Another process is executing the run.

    Attributes:
        run: The run's name.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        super().__init__(f"run {run!r} is being executed already: wait until it has ended")


class StepTimedOut(Failed):
    """A step took longer than its options allow, and was stopped.

    Attributes:
        seconds: The time that it was allowed, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the step was stopped: it took longer than its {seconds:g} seconds")


class StepProcessDied(Failed):
    """The process that executed a step ended without a result.

    Attributes:
        returncode: Its exit code; negative for the number of a signal.
    """

    def __init__(self, returncode: int) -> None:
        self.returncode = returncode
        how = f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
        super().__init__(f"the step's process ended with {how} and no result")


class InvalidOutput(Invalid):
    """A step returned something that cannot be stored.

    Attributes:
        step: The step's name.
        problem: What is wrong with what it returned.
    """

    def __init__(self, step: str, problem: str) -> None:
        self.step, self.problem = step, problem
        super().__init__(f"step {step!r} returned {problem}")


class OutputMismatch(InvalidOutput):
    """A step returned something that does not fit its type hints; it is not retried.

    Attributes:
        step: The step's name.
        problem: What is wrong with what it returned.
    """
