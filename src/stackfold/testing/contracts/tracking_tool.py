"""The tool of an experiment tracker, as the contract of trackers reads it."""

from typing import Any, NamedTuple, Protocol

from stackfold.application.runs.run_views import RunDescription
from stackfold.domain.stacks.component_type import ComponentType

TRACKER = ComponentType.EXPERIMENT_TRACKER


class SeenStep(NamedTuple):
    """A step as stored in the tool."""

    ids: dict[str, Any]
    """Those that should be recorded."""
    ended: str
    """"completed", "failed", or "running" if it was never ended."""
    parameters: dict[str, str]
    metrics: dict[str, list[float]]
    """Name → every value, in the order of the steps given."""


class TrackingTool(Protocol):
    """The tool of a tracker, read without the tracker. Can be pickled."""

    flavor: str

    def configuration(self) -> dict[str, Any]:
        """The configuration of a working component."""
        ...

    def seen(self, run: RunDescription) -> dict[str, list[SeenStep]]:
        """Step → each of its attempts that the tool has, of a run.

        Args:
            run: The run.
        """
        ...

    def artifact(self, seen: SeenStep, name: str) -> bytes:
        """The artifact of that name.

        Args:
            seen: The attempt of a step.
            name: The name of the artifact.
        """
        ...

    def models(self, seen: SeenStep) -> dict[str, dict[str, bytes]]:
        """Name → file → bytes, of the models that a step logged.

        Args:
            seen: The attempt of a step.
        """
        ...

    def log(self, name: str, value: float) -> None:
        """Log a metric by the tool's function.

        Args:
            name: The metric.
            value: Its value.
        """
        ...

    def log_parameter(self, name: str, value: str) -> None:
        """Log a parameter by the tool's function.

        Args:
            name: The parameter.
            value: Its value.
        """
        ...

    def has_a_run(self) -> bool:
        """Whether the tool's functions would log to a run."""
        ...


def ids_of(recorded: Any, tracker: str = "tracking") -> dict[str, Any]:
    """Return the ids in the tool that were recorded with a run or a step."""
    ids: dict[str, Any] = recorded.metadata["experiment_tracker"][tracker]
    return ids


def the_only(found: dict[str, list[SeenStep]], step: str) -> SeenStep:
    """Return the only attempt of a step."""
    (seen,) = found[step]
    return seen
