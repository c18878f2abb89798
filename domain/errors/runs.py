"""Pipelines, runs and artifacts."""

from stackfold.domain.errors.refusal import StackfoldError


class InvalidPipeline(StackfoldError):
    """A pipeline's functions do not make a graph that can run."""


class NoWorkspace(StackfoldError):
    """A pipeline was called outside of every workspace's block, while another thread is in one."""

    def __init__(self) -> None:
        """Say how to tell which workspace is meant."""
        super().__init__(
            "no workspace is in scope here, though one was entered elsewhere in this program: use "
            "`workspace.run(pipeline, ...)`, or start the thread by contextvars.copy_context().run"
        )


class RunFailed(StackfoldError):
    """A run ended without completing; the failing step's exception is its cause."""

    def __init__(self, run: str, step: str, error: str, traceback: str = "") -> None:
        """Say which `step` of `run` failed and how.

        Args:
            run: The run's name.
            step: The step's name; empty if it was not a step that failed.
            error: What was raised, in one line.
            traceback: Where, from the step's function on.
        """
        self.run, self.step, self.error, self.traceback = run, step, error, traceback
        where = f" in step {step!r}" if step else ""
        super().__init__(f"run {run!r} failed{where}: {error}")


class NotResumable(StackfoldError):
    """A run cannot go on."""

    def __init__(self, run: str, problem: str) -> None:
        """Say why `run` cannot."""
        self.run, self.problem = run, problem
        super().__init__(f"run {run!r} {problem}")


class RunEnded(StackfoldError):
    """Something came too late for a run."""

    def __init__(self, run: str, status: str) -> None:
        """Say that `run` has ended, and how."""
        self.run, self.status = run, status
        super().__init__(f"run {run!r} has ended already: it is {status}")


class RunBusy(StackfoldError):
    """Somebody executes the run already."""

    def __init__(self, run: str) -> None:
        """Say that `run` is being executed."""
        self.run = run
        super().__init__(f"run {run!r} is being executed already: wait until it has ended")


class StepTimedOut(StackfoldError):
    """A step took longer than its options allow."""

    def __init__(self, seconds: float) -> None:
        """Say that it was stopped after so many `seconds`."""
        self.seconds = seconds
        super().__init__(f"the step was stopped: it took longer than its {seconds:g} seconds")


class StepProcessDied(StackfoldError):
    """The process that executed a step ended without an answer."""

    def __init__(self, returncode: int) -> None:
        """Say with which `returncode` it ended; negative for a signal."""
        self.returncode = returncode
        how = f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
        super().__init__(f"the step's process ended with {how} and no result")


class InvalidOutput(StackfoldError):
    """What a step returned is not what it declares, or cannot be stored."""

    def __init__(self, step: str, problem: str) -> None:
        """Say what is wrong with what `step` returned."""
        self.step, self.problem = step, problem
        super().__init__(f"step {step!r} returned {problem}")


class OutputMismatch(InvalidOutput):
    """What a step returned does not fit its type hints; trying it again would not help."""


class InvalidNote(StackfoldError):
    """What a step wants to add to its record cannot be recorded."""

    def __init__(self, step: str, problem: str) -> None:
        """Say what is wrong with what `step` wants to add."""
        self.step, self.problem = step, problem
        super().__init__(f"step {step!r} adds {problem}")


class NotInStep(StackfoldError):
    """Something was asked for that there is only while a step is executed."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            "no step is being executed here: call get_context() in a step of a run, and hand the "
            "context to threads that the step starts"
        )


class ArtifactStoreUnavailable(StackfoldError):
    """The artifact store cannot be written or read: missing, read-only, full."""

    def __init__(self, place: str, problem: str) -> None:
        """Say what is wrong with the store at `place`."""
        self.place, self.problem = place, problem
        super().__init__(f"the artifact store at {place} cannot be used: {problem}")


class UnknownClass(StackfoldError):
    """A stored value is of a class that the program does not have."""

    def __init__(self, name: str) -> None:
        """Say that "module.Class" `name` is not there; it is never imported for the data's sake."""
        self.name = name
        super().__init__(
            f"the stored value is a {name}, which this program does not have: import it, or "
            "annotate the input that takes it"
        )


class ArtifactDamaged(StackfoldError):
    """What the store holds is not what was recorded."""

    def __init__(self, uri: str, problem: str, again: bool = False) -> None:
        """Create the error.

        Args:
            uri: The artifact's address.
            problem: What is wrong with it.
            again: Whether it would be whole if the step that made it were executed again.
        """
        self.uri, self.problem = uri, problem
        fix = "run the pipeline that made it again without the cache (--no-cache)"
        super().__init__(f"the artifact at {uri} {problem}" + (f"; {fix}" if again else ""))


class OutsideStore(StackfoldError):
    """An address leads out of the artifact store."""

    def __init__(self, uri: str, root: str) -> None:
        """Refuse `uri`, which is not inside `root`."""
        self.uri, self.root = uri, root
        super().__init__(f"{uri} is outside the artifact store {root}")


class PickleRefused(StackfoldError):
    """A pickle was to be written or read where pickles are refused."""

    def __init__(self, what: str, written: bool) -> None:
        """Say that `what` would have to be `written`, or else read, as a pickle."""
        self.what, self.written = what, written
        how = "can only be stored as a pickle" if written else "is a pickle"
        super().__init__(f"{what} {how}, and pickles are refused here (no_pickle)")


class InvalidMaterializer(StackfoldError):
    """Something cannot write and read values."""

    def __init__(self, name: str, problem: str) -> None:
        """Say what is wrong with the materializer `name`."""
        self.name, self.problem = name, problem
        super().__init__(f"{name} cannot be a materializer: {problem}")
