"""The port of experiment trackers: what becomes of a run and its steps in a tool that shows them.

A run of a pipeline is begun and ended by the process that drives it. A step is tracked by the
process that executes it, which may be another one, on another machine.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from stackfold.application.ports.stack_component import StackComponent
from stackfold.domain.errors import TrackerUnavailable
from stackfold.domain.stacks.component_type import ComponentType

Ids = Mapping[str, Any]
"""What finds a run or a step in the tool again; values that JSON can carry, kept in the record."""

Lost = Callable[[TrackerUnavailable], None]
"""Is called when something could not be told to the tool and the step goes on all the same."""


class TrackedRun(NamedTuple):
    """What a tool may know of a run."""

    id: str
    name: str
    pipeline: str
    stack: str
    stack_revision: int
    fingerprint: str
    """sha256 of the pin: equal for two runs on exactly the same configuration."""
    parameters: Mapping[str, Any]
    """The pipeline's; values that JSON can carry."""

    @property
    def facts(self) -> dict[str, str]:
        """What a tool may show beside its own: name → text."""
        return {
            "stackfold.run": self.id,
            "stackfold.pipeline": self.pipeline,
            "stackfold.stack": self.stack,
            "stackfold.stack_revision": str(self.stack_revision),
            "stackfold.fingerprint": self.fingerprint,
        }


class TrackedStep(NamedTuple):
    """What a tool may know of one attempt to execute a step."""

    run: TrackedRun
    ids: Ids | None
    """What `begin_run` returned; None if the tool was unavailable then. Then it is not asked again,
    and what its own functions are told in the step goes nowhere."""
    name: str
    parameters: Mapping[str, Any]
    native: bool
    """Whether the tool's own functions, called in this thread, speak of this step."""


class StepRecord(Protocol):
    """What a tool keeps of one step, while the step is executed.

    Each method may raise TrackerUnavailable; it must not wait for ever.
    """

    @property
    def ids(self) -> Ids:
        """What finds it again."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Add numbers, at a point of a curve if `step` is given."""
        ...

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Add what it depends on; values that JSON can carry."""
        ...

    def log_artifact(self, path: Path, name: str) -> None:
        """Add a file, or a folder with all that is in it, under a name."""
        ...

    def log_model(self, path: Path, name: str) -> None:
        """Add the file or folder of a model, as what the tool takes for a model."""
        ...


class ExperimentTracker(StackComponent):
    """Records the parameters, metrics, artifacts and models of runs, and shows them."""

    component_type = ComponentType.EXPERIMENT_TRACKER

    strict: bool = False
    """Whether a step fails, and with it its run, if the tracker is unavailable. May be a property
    that looks at the configuration."""

    @abstractmethod
    def begin_run(self, run: TrackedRun, known: Ids | None) -> Ids:
        """Tell the tool of a run, and return what finds it there.

        Args:
            run: The run.
            known: What this returned before the run was resumed; None if it begins.

        Raises:
            TrackerUnavailable: The tool cannot be reached, or refuses. Told after a bounded wait.
        """

    @abstractmethod
    def end_run(self, ids: Ids, status: str) -> None:
        """Tell the tool that a run has ended, and that none of its steps is executed any more.

        Args:
            ids: What `begin_run` returned.
            status: "completed", "failed" or "cancelled".

        Raises:
            TrackerUnavailable: As for `begin_run`.
        """

    @abstractmethod
    def track(self, step: TrackedStep, lost: Lost) -> AbstractContextManager[StepRecord]:
        """Track a step while the block is executed; if it raises, the step has failed.

        Several threads may do so at once, each for its step.

        Args:
            step: The step.
            lost: To be called if the tool's own functions cannot reach it any more and the tracker
                is not strict: the step must not fail by them.

        Raises:
            TrackerUnavailable: The tool cannot be reached, or refuses; only if strict or if the
                step is not native.
        """
