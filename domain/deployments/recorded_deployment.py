"""The part of a deployment that says what is recorded of its requests."""

from typing import TYPE_CHECKING

from stackfold.domain.deployments.recording import Recording
from stackfold.domain.deployments.rollout import Rollout
from stackfold.domain.errors import NothingToChange
from stackfold.domain.eventsourcing.aggregate import Aggregate

if TYPE_CHECKING:
    from stackfold.domain.deployments.deployment import Deployment


class RecordedDeployment(Aggregate):
    """A deployment whose requests can be recorded."""

    if TYPE_CHECKING:
        # The eventsourcing library makes a dataclass of a class with annotations.
        rollout: Rollout

    class Event(Aggregate.Event):
        """Base class of the events of a deployment."""

    class RecordingChanged(Event):
        """From now on, requests are recorded, or recorded differently, or not any more."""

        TOPIC = "deployment.recording_changed"
        recording: Recording | None
        """What is recorded; None if nothing is."""

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.rollout = aggregate.rollout.recorded(self.recording)

    def record(self, recording: Recording | None) -> None:
        """Record requests from now on; None to record none.

        Args:
            recording: What is recorded.

        Raises:
            NotFound: The deployment was deleted.
            NothingToChange: That is recorded already.
        """
        self.must_exist()
        if recording == self.rollout.recording:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.RecordingChanged, recording=recording)
