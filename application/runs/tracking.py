"""Tracking: notifies the experiment trackers of one run of its beginning and end."""

from collections.abc import Mapping
from typing import NamedTuple

from stackfold.application.ports.experiment_tracker import (
    ExperimentTracker,
    Ids,
    TrackedRun,
    TrackedStep,
)
from stackfold.application.runs.context import RunFacts
from stackfold.application.runs.recorded_parameters import readable_values
from stackfold.application.runs.step_tracker import PROBLEM, Tracked, warn
from stackfold.application.secrets.redaction import redacted_value
from stackfold.domain.errors import TrackerUnavailable
from stackfold.domain.pipelines.graph import Graph, Node
from stackfold.domain.runs.pin import Pin


class Trackers(NamedTuple):
    """The experiment trackers of a run."""

    components: Mapping[str, ExperimentTracker]
    """Name → tracker."""
    requested: Mapping[str, str]
    """Step → the name of the tracker that its options request."""
    default: str | None
    """The name of the tracker of the other steps; None if there is none."""


class Tracking:
    """Notifies the trackers of a run."""

    def __init__(self, trackers: Trackers, run: TrackedRun, recorded: Mapping[str, Ids]) -> None:
        """Create the service for one run.

        Args:
            trackers: The trackers.
            run: The run.
            recorded: Name → ids of the run in that tracker before the run was resumed.
        """
        self._trackers = trackers
        self._run = run
        self._ids: dict[str, Ids] = {
            name: ids
            for name, ids in recorded.items()
            if name in trackers.components and PROBLEM not in ids
        }

    def begin(self) -> dict[str, Ids]:
        """Notify the trackers that the run begins or is resumed.

        Returns:
            Name → ids of the run in that tracker, to be recorded.

        Raises:
            TrackerUnavailable: A strict tracker cannot be reached.
        """
        ids_by_name: dict[str, Ids] = {}
        for name, tracker in self._trackers.components.items():
            known = self._ids.pop(name, None)
            try:
                ids_by_name[name] = self._ids[name] = tracker.begin_run(self._run, known)
            except TrackerUnavailable as error:
                if tracker.strict:
                    raise
                warn(f"the run goes on without {name!r}: {error}")
                ids_by_name[name] = {PROBLEM: str(error)}
        return ids_by_name

    def of(self, node: Node) -> Tracked | None:
        """Return the tracker of a step with its data; None if the step has no tracker."""
        option = node.step.options.experiment_tracker
        name = self._trackers.requested.get(node.name) or self._trackers.default
        if option is False or name is None:
            return None
        step = TrackedStep(
            self._run,
            self._ids.get(name),
            node.name,
            redacted_value(readable_values(node.parameters)),
            native=bool(option),
        )
        return Tracked(name, self._trackers.components[name], step)

    def end(self, status: str) -> None:
        """Notify the trackers that the run ended as "completed", "failed" or "cancelled".

        Raises:
            TrackerUnavailable: A strict tracker cannot be reached, and the run completed.
        """
        for name in list(self._ids):
            tracker, ids = self._trackers.components[name], self._ids.pop(name)
            try:
                tracker.end_run(ids, status)
            except TrackerUnavailable as error:
                if tracker.strict and status == "completed":
                    raise
                warn(f"{name!r} was not notified of the end of the run: {error}")


def tracked_run(facts: RunFacts, graph: Graph) -> TrackedRun:
    """Return what trackers learn of a run."""
    pin: Pin = facts.pin
    parameters = redacted_value(readable_values(graph.parameters))
    return TrackedRun(
        facts.id, facts.name, facts.pipeline, pin.stack, pin.revision, pin.fingerprint, parameters
    )
