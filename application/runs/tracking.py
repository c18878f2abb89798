"""Tracking: the experiment trackers of one run, and who tells them of it while it is driven."""

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
    """The trackers that a run tells of itself."""

    components: Mapping[str, ExperimentTracker]
    """Name → tracker."""
    asked: Mapping[str, str]
    """Step → the name of the tracker that its options ask for."""
    default: str | None
    """The name of the one that steps use which do not ask for any."""


class Tracking:
    """What a run tells its trackers."""

    def __init__(self, trackers: Trackers, run: TrackedRun, recorded: Mapping[str, Ids]) -> None:
        """Prepare to tell `trackers` of a run.

        Args:
            trackers: Which.
            run: The run.
            recorded: Name → what the tracker called it before it was resumed.
        """
        self._trackers = trackers
        self._run = run
        self._ids: dict[str, Ids] = {
            name: ids
            for name, ids in recorded.items()
            if name in trackers.components and PROBLEM not in ids
        }

    def begin(self) -> dict[str, Ids]:
        """Tell that the run begins, or goes on.

        Returns:
            Name → what it is called there; what has to be recorded.

        Raises:
            TrackerUnavailable: A strict one cannot be reached.
        """
        told: dict[str, Ids] = {}
        for name, tracker in self._trackers.components.items():
            known = self._ids.pop(name, None)
            try:
                told[name] = self._ids[name] = tracker.begin_run(self._run, known)
            except TrackerUnavailable as error:
                if tracker.strict:
                    raise
                warn(f"the run goes on without {name!r}: {error}")
                told[name] = {PROBLEM: str(error)}
        return told

    def of(self, node: Node) -> Tracked | None:
        """The tracker of a step and what it has to know; None if it has none."""
        option = node.step.options.experiment_tracker
        name = self._trackers.asked.get(node.name) or self._trackers.default
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
        """Tell how the run ended: "completed", "failed" or "cancelled".

        Raises:
            TrackerUnavailable: A strict one cannot be reached, and the run has not failed anyway.
        """
        for name in list(self._ids):
            tracker, ids = self._trackers.components[name], self._ids.pop(name)
            try:
                tracker.end_run(ids, status)
            except TrackerUnavailable as error:
                if tracker.strict and status == "completed":
                    raise
                warn(f"{name!r} does not know how the run ended: {error}")


def tracked_run(facts: RunFacts, graph: Graph) -> TrackedRun:
    """What trackers may know of a run."""
    pin: Pin = facts.pin
    parameters = redacted_value(readable_values(graph.parameters))
    return TrackedRun(
        facts.id, facts.name, facts.pipeline, pin.stack, pin.revision, pin.fingerprint, parameters
    )
