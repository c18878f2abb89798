"""ArtifactNote: the tags and metadata of a version of an artifact that were changed later."""

from typing import Any, Literal, Self
from uuid import UUID, uuid5

from pydantic import JsonValue

from stackfold.domain.errors import NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.limits import TAGS, must_be_few

_IDS = UUID("0f6a6c1c-7d0e-4a83-9c5e-6f1f6b0f5f57")
"""The namespace of the ids: a log has one note per artifact."""


class ArtifactNote(Revertible):
    """All tags and metadata of a version, from the first change of them on.

    It begins with what the version was recorded with. Without a note, that counts.
    """

    TOPIC = "artifact_note"

    class Event(Revertible.Event):
        """Base class of the events of a note."""

    class Registered(Event, FirstEvent):
        """Tags or metadata were changed for the first time."""

        TOPIC = "artifact_note.registered"
        originator_topic: Literal["artifact_note"]
        artifact: UUID
        name: str
        """The reference of the version, such as "dataset@4"."""
        tags: tuple[str, ...]
        """All tags after the change."""
        metadata: dict[str, JsonValue]
        """All metadata after the change."""

    class Changed(Event):
        """Tags or metadata were changed again."""

        TOPIC = "artifact_note.changed"
        tags: tuple[str, ...]
        metadata: dict[str, JsonValue]

        def apply(self, aggregate: "ArtifactNote") -> None:
            aggregate.tags, aggregate.metadata = self.tags, dict(self.metadata)

    class Reverted(Event):
        """They are those of an earlier revision, also after the note was deleted."""

        TOPIC = "artifact_note.reverted"
        artifact: UUID
        name: str
        tags: tuple[str, ...]
        metadata: dict[str, JsonValue]

        def apply(self, aggregate: "ArtifactNote") -> None:
            aggregate.tags, aggregate.metadata = self.tags, dict(self.metadata)
            aggregate.deleted = False

    class Deleted(Event):
        """What the version was recorded with counts again."""

        TOPIC = "artifact_note.deleted"

        def apply(self, aggregate: "ArtifactNote") -> None:
            aggregate.deleted = True

    def __init__(
        self, artifact: UUID, name: str, tags: tuple[str, ...], metadata: dict[str, JsonValue]
    ) -> None:
        super().__init__(name)
        self.artifact = artifact
        self.tags = tags
        self.metadata = dict(metadata)

    @property
    def kind(self) -> str:
        """The noun for messages."""
        return "artifact"

    @staticmethod
    def id_of(artifact: UUID) -> UUID:
        """The id of the note of an artifact, in every log."""
        return uuid5(_IDS, str(artifact))

    @classmethod
    def register(
        cls, artifact: UUID, name: str, tags: tuple[str, ...], metadata: dict[str, JsonValue]
    ) -> Self:
        """Begin the note of a version.

        Args:
            artifact: The id of the artifact.
            name: Its reference.
            tags: All its tags.
            metadata: All its metadata.

        Raises:
            TooLarge: There are too many tags.
        """
        must_be_few("tags", len(tags), TAGS)
        id = cls.id_of(artifact)
        facts: dict[str, Any] = {"artifact": artifact, "name": name}
        return cls._create(cls.Registered, id=id, tags=tags, metadata=metadata, **facts)

    def change(self, tags: tuple[str, ...], metadata: dict[str, JsonValue]) -> None:
        """Change tags or metadata.

        Args:
            tags: All tags after the change.
            metadata: All metadata after the change.

        Raises:
            NothingToChange: They are the same.
            TooLarge: There are too many tags.
        """
        must_be_few("tags", len(tags), max(TAGS, len(self.tags)))
        if self.deleted:
            self._revert(tags, metadata)
        elif (tags, metadata) == (self.tags, self.metadata):
            raise NothingToChange(self.kind, self.name, self.version)
        else:
            self.trigger_event(self.Changed, tags=tags, metadata=metadata)

    def revert(self, past: "ArtifactNote") -> None:
        """Restore the tags and metadata of an earlier revision.

        Args:
            past: The note at that revision.

        Raises:
            NothingToChange: They are the same.
        """
        if not self.deleted and (past.tags, past.metadata) == (self.tags, self.metadata):
            raise NothingToChange(self.kind, self.name, self.version)
        self._revert(past.tags, past.metadata)

    def restore(self, past: "ArtifactNote") -> None:
        """Restore the note after it was deleted; see `revert`."""
        self.revert(past)

    def delete(self) -> None:
        """Let what the version was recorded with count again.

        Raises:
            NotFound: There is no note.
        """
        if self.deleted:
            raise NotFound("note", self.name)
        self.trigger_event(self.Deleted)

    def _revert(self, tags: tuple[str, ...], metadata: dict[str, JsonValue]) -> None:
        self.trigger_event(
            self.Reverted, artifact=self.artifact, name=self.name, tags=tags, metadata=metadata
        )
