"""ExternalArtifact: a version of an artifact that comes from outside of any run."""

from typing import Any, Literal, Self

from stackfold.domain.errors import NotDeleted, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.runs.artifact import Artifact, OwnName
from stackfold.domain.runs.pin import Pin


class ExternalArtifact(Revertible):
    """A version of an artifact that was saved or registered, not made by a run.

    Its id is that of the artifact. It may be deleted and restored, but is never changed.
    """

    TOPIC = "external_artifact"

    class Event(Revertible.Event):
        """Base class of the events of an external artifact."""

    class Registered(Event, FirstEvent):
        """A version was recorded; its bytes are stored by then."""

        TOPIC = "external_artifact.registered"
        originator_topic: Literal["external_artifact"]
        name: str
        """The name of the artifact."""
        label: str = ""
        """A text that names the version; empty for none."""
        artifact: Artifact
        pin: Pin
        """The stack that it was recorded on, with the artifact store that contains it."""
        source: str = ""
        """The path or address that it was registered from; empty for a value."""

    class Deleted(Event):
        """The version was deleted; its bytes remain until they are pruned."""

        TOPIC = "external_artifact.deleted"

        def apply(self, aggregate: "ExternalArtifact") -> None:
            aggregate.deleted = True

    class Restored(Event):
        """The version exists again, under its number."""

        TOPIC = "external_artifact.restored"
        name: str
        label: str = ""
        artifact: Artifact
        pin: Pin
        source: str = ""

        def apply(self, aggregate: "ExternalArtifact") -> None:
            aggregate.deleted = False

    def __init__(
        self, name: str, label: str, artifact: Artifact, pin: Pin, source: str = ""
    ) -> None:
        super().__init__(name)
        self.label = label
        self.artifact = artifact
        self.pin = pin
        self.source = source

    @property
    def kind(self) -> str:
        """The noun for messages."""
        return "artifact"

    @classmethod
    def register(cls, own: OwnName, artifact: Artifact, pin: Pin, source: str = "") -> Self:
        """Record a version.

        Args:
            own: The name of the artifact, and the label of the version.
            artifact: The location, type and digest of its bytes.
            pin: The stack, with the artifact store that contains them.
            source: The path or address that it was registered from; empty for a value.
        """
        return cls._create(
            cls.Registered,
            id=artifact.id,
            name=own.name,
            label=own.label,
            artifact=artifact,
            pin=pin,
            source=source,
        )

    def delete(self) -> None:
        """Delete the version.

        Raises:
            NotFound: It was deleted.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def revert(self, past: "ExternalArtifact") -> None:
        """Do nothing but raise, as a version never changes.

        Raises:
            NotFound: It was deleted.
            NothingToChange: Always.
        """
        self.must_exist()
        raise NothingToChange(self.kind, self.name, self.version)

    def restore(self, past: "ExternalArtifact") -> None:
        """Restore the deleted version.

        Raises:
            NotDeleted: It exists.
        """
        if not self.deleted:
            raise NotDeleted(self.kind, self.name)
        self.trigger_event(self.Restored, **past.state)

    @property
    def state(self) -> dict[str, Any]:
        """The fields of the version."""
        return {
            "name": self.name,
            "label": self.label,
            "artifact": self.artifact,
            "pin": self.pin,
            "source": self.source,
        }
