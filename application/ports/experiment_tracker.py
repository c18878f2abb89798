"""The port of experiment trackers, which show the runs and steps of pipelines in their own tool.

A run is begun and ended by the process that drives it. A step is tracked by the process that
executes it, which may be another one, on another machine.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.domain.errors import TrackerUnavailable
from stackfold.domain.stacks.component_type import ComponentType

Ids = Mapping[str, Any]
"""Identify a run or a step in the tool; JSON values, recorded with the run."""

OnUnavailable = Callable[[TrackerUnavailable], None]
"""Called when the tool missed something and the step continues without it."""


class TrackedRun(NamedTuple):
    """What a tool learns of a run."""

    id: str
    name: str
    pipeline: str
    stack: str
    stack_revision: int
    fingerprint: str
    """sha256 of the pin: equal for two runs on exactly the same configuration."""
    parameters: Mapping[str, Any]
    """The pipeline's parameters, as JSON values."""

    @property
    def facts(self) -> dict[str, str]:
        """Tags for the tool to show: name → text."""
        return {
            "stackfold.run": self.id,
            "stackfold.pipeline": self.pipeline,
            "stackfold.stack": self.stack,
            "stackfold.stack_revision": str(self.stack_revision),
            "stackfold.fingerprint": self.fingerprint,
        }


class TrackedStep(NamedTuple):
    """What a tool learns of one attempt to execute a step."""

    run: TrackedRun
    ids: Ids | None
    """What `begin_run` returned; None if the tool was unavailable then. Then it is not called
    again, and calls of its own functions in the step are discarded."""
    name: str
    parameters: Mapping[str, Any]
    native: bool
    """Whether the tool's own functions, called in this thread, record to this step."""


class StepRecord(Protocol):
    """The record of one step in the tool, while the step is executed.

    Each method may raise TrackerUnavailable, after a bounded wait.
    """

    @property
    def ids(self) -> Ids:
        """Identify the step in the tool."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Add numbers, at point `step` of their curves unless None.

        Args:
            metrics: Metric → value.
            step: The number of the training step; None for none.
        """
        ...

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Add parameters, as JSON values.

        Args:
            parameters: Parameter → value.
        """
        ...

    def log_artifact(self, path: Path, name: str) -> None:
        """Add a file, or a folder with all its content, under a name.

        Args:
            path: The file.
            name: Its name at the tracker.
        """
        ...

    def log_model(self, path: Path, name: str) -> None:
        """Add the file or folder of a model, as a model of the tool.

        Args:
            path: The file or folder of the model.
            name: Its name at the tracker.
        """
        ...


class ExperimentTracker(StackComponent[ConfigurationT]):
    """Records the parameters, metrics, artifacts and models of runs, and shows them."""

    component_type = ComponentType.EXPERIMENT_TRACKER

    strict: bool = False
    """Whether a step, and with it its run, fails if the tracker is unavailable. May be a property
    that reads the configuration."""

    @abstractmethod
    def begin_run(self, run: TrackedRun, known: Ids | None) -> Ids:
        """Create or reopen a run in the tool, and return its ids there.

        Args:
            run: The run.
            known: The ids returned before the run was resumed; None for a new run.

        Raises:
            TrackerUnavailable: The tool cannot be reached or rejects the run, after a bounded wait.
        """

    @abstractmethod
    def end_run(self, ids: Ids, status: str) -> None:
        """Mark a run as ended in the tool; none of its steps is executed any more.

        Args:
            ids: What `begin_run` returned.
            status: "completed", "failed" or "cancelled".

        Raises:
            TrackerUnavailable: As for `begin_run`.
        """

    @abstractmethod
    def track(
        self, step: TrackedStep, on_unavailable: OnUnavailable
    ) -> AbstractContextManager[StepRecord]:
        """Track a step while the block is executed; if it raises, the step has failed.

        May be called from several threads at once, each for its own step.

        Args:
            step: The step.
            on_unavailable: Call it when the tool's own functions can no longer reach the tool and
                the tracker is not strict, instead of letting the step fail.

        Raises:
            TrackerUnavailable: The tool cannot be reached or rejects the step; only if the tracker
                is strict or the step is not native.
        """
