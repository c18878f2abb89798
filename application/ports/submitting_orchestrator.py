"""The port of orchestrators that submit whole runs to an engine, such as a cluster."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from stackfold.application.ports.orchestrator import Execute, JobImage, Orchestrator, RunPlan
from stackfold.application.ports.stack_component import ConfigurationT
from stackfold.domain.runs.failure_mode import FailureMode

if TYPE_CHECKING:
    from stackfold.domain.pipelines.resources import Resources

__all__ = ["Job", "JobImage", "JobStep", "Submission", "SubmittingOrchestrator"]


class JobStep(NamedTuple):
    """A step for an engine to execute."""

    name: str
    upstream: tuple[str, ...]
    """The steps that must complete before it."""
    resources: "Resources"


class Job(NamedTuple):
    """A run for an engine to execute, or the remaining steps of a resumed one."""

    run: str
    """The run's id."""
    name: str
    """The run's name."""
    pipeline: str
    source: str
    """The pipeline, as "file.py:function"."""
    steps: tuple[JobStep, ...]
    """In topological order."""
    mode: FailureMode
    image: JobImage | None = None
    """Built by the stack's image builder; None if the engine needs no image."""
    secrets: tuple[str, ...] = ()
    """The references to secrets in the configurations of the stack's components."""


class Submission(NamedTuple):
    """An engine's answer to a submitted run."""

    reference: str
    """The engine's id of the run."""
    url: str = ""
    """Web page of the run; empty if there is none."""


class SubmittingOrchestrator(Orchestrator[ConfigurationT]):
    """Submits a run to an engine, which starts a process per step once its upstream steps are done.

    Such a process opens the same log and calls `runs.remote_steps.execute`, which records the
    step's outcome; it must exit with a non-zero code if that raises. When all steps have ended,
    completed or not, a last process calls `runs.remote_steps.settle`.
    """

    @property
    @abstractmethod
    def awaited(self) -> bool:
        """Whether the process that submits a run waits until the run has ended."""

    @property
    def submits(self) -> bool:
        """Whether it submits runs; otherwise it executes them by `run`, as other orchestrators."""
        return True

    @property
    def ends_runs(self) -> bool:
        """Whether the engine ends the other steps itself once one of them has failed."""
        return False

    @abstractmethod
    def submit(self, job: Job) -> Submission:
        """Submit a run.

        Args:
            job: The run to submit.

        Raises:
            EngineUnavailable: The engine cannot be reached or rejects the run.
        """

    @abstractmethod
    def follow(self, reference: str, poll: Callable[[], None]) -> None:
        """Wait until the engine has ended a run.

        Args:
            reference: The engine's id of the run.
            poll: Call it every few seconds while waiting.

        Raises:
            EngineStopped: The engine ended the run without success.
            RunDetached: The wait was given up, and the run continues.
        """

    @abstractmethod
    def is_executing(self, reference: str) -> bool:
        """Return whether the engine has not yet ended a run.

        Args:
            reference: What `submit` returned.

        Raises:
            EngineUnavailable: The engine cannot be reached.
        """

    @abstractmethod
    def terminate(self, reference: str) -> None:
        """End a run, if it has not ended.

        Args:
            reference: What `submit` returned.

        Raises:
            EngineUnavailable: The engine cannot be reached.
        """

    @abstractmethod
    def document(self, job: Job) -> str:
        """Return what `submit` would send, in the engine's format.

        Args:
            job: The run to submit.
        """

    def run(self, plan: RunPlan, execute: Execute) -> None:
        """Raise TypeError: call `submit` instead."""
        raise TypeError(f"the orchestrator {self.flavor!r} does not execute steps: submit the run")
