"""The port of orchestrators that hand whole runs to an engine."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from stackfold.application.ports import Execute, Orchestrator, RunPlan
from stackfold.domain.pipelines.options import FailureMode

if TYPE_CHECKING:
    from stackfold.domain.pipelines.resources import Resources


class JobStep(NamedTuple):
    """A step that an engine is to execute."""

    name: str
    upstream: tuple[str, ...]
    """The steps that must complete before it."""
    resources: "Resources"


class JobImage(NamedTuple):
    """The image that the processes of a run are to be started from."""

    name: str
    """With its digest, if it was built; with its tag, if it only would be."""
    source: str
    """Where the pipeline is in it, seen from its working folder: "file.py:name"."""


class Job(NamedTuple):
    """A run that an engine is to execute, or what is left of it."""

    run: str
    """The run's id."""
    name: str
    """The run's name."""
    pipeline: str
    source: str
    """Where the pipeline is, as "file.py:function"."""
    steps: tuple[JobStep, ...]
    """In topological order."""
    mode: FailureMode
    image: JobImage | None = None
    """What the stack's image builder has built for it; None if nothing was."""


class Submission(NamedTuple):
    """What an engine says of a run that it took."""

    reference: str
    """What the engine calls it."""
    url: str = ""
    """Where somebody can look at it; empty if nowhere."""


class SubmittingOrchestrator(Orchestrator):
    """Hands a run to an engine, which starts a process for each step once those above it are done.

    Such a process opens the same log and calls `runs.execute_step`, which records what came of the
    step; it must exit with another code than 0 if that raises. When all have ended, however they
    did, a last one calls `runs.settle`.
    """

    @property
    @abstractmethod
    def awaited(self) -> bool:
        """Whether whoever starts a run waits until it has ended."""

    @property
    def takes_image(self) -> bool:
        """Whether an image is to be built for what it starts, if the stack can build one."""
        return False

    @abstractmethod
    def submit(self, job: Job) -> Submission:
        """Hand over a run.

        Raises:
            EngineUnavailable: The engine cannot be reached, or does not take it.
        """

    @abstractmethod
    def follow(self, reference: str, look: Callable[[], None]) -> None:
        """Wait until the engine has ended a run.

        Args:
            reference: What the engine calls it.
            look: To be called every few seconds meanwhile.

        Raises:
            EngineStopped: It was ended without success.
            RunDetached: The wait was given up, though the run goes on.
        """

    @abstractmethod
    def is_executing(self, reference: str) -> bool:
        """Whether the engine has not ended a run.

        Raises:
            EngineUnavailable: The engine cannot be reached.
        """

    @abstractmethod
    def terminate(self, reference: str) -> None:
        """End a run; one that has ended is fine.

        Raises:
            EngineUnavailable: The engine cannot be reached.
        """

    @abstractmethod
    def document(self, job: Job) -> str:
        """What would be handed over, as the engine reads it."""

    def run(self, plan: RunPlan, execute: Execute) -> NoReturn:
        """Not how such a one is used."""
        raise TypeError(f"the orchestrator {self.flavor!r} does not execute steps: submit the run")
