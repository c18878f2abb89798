"""ArtifactName: the aliases of an artifact, each of which stands for one of its versions."""

from collections.abc import Mapping
from typing import Literal, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from stackfold.domain.errors import NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.pipelines.output import version_label

_IDS = UUID("5f0f7f0e-0d0c-4b4b-9d0a-2b1f6f1d7c93")
"""The namespace of the ids: equal names have equal ids, so that a log has one per name."""


class AliasTarget(BaseModel):
    """The version that an alias stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    artifact: UUID
    version: int


class ArtifactName(Revertible):
    """The aliases of an artifact, under its own name or as "pipeline/step/output".

    It begins with the first alias, and is deleted with the last one.
    """

    TOPIC = "artifact_name"

    class Event(Revertible.Event):
        """Base class of the events of a name."""

    class Registered(Event, FirstEvent):
        """The artifact got its first alias."""

        TOPIC = "artifact_name.registered"
        originator_topic: Literal["artifact_name"]
        name: str
        aliases: dict[str, AliasTarget]

    class AliasSet(Event):
        """An alias was added, or stands for another version."""

        TOPIC = "artifact_name.alias_set"
        alias: str
        target: AliasTarget

        def apply(self, aggregate: "ArtifactName") -> None:
            aggregate.aliases = {**aggregate.aliases, self.alias: self.target}

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"alias {self.alias}"})

    class AliasRemoved(Event):
        """An alias was removed."""

        TOPIC = "artifact_name.alias_removed"
        alias: str

        def apply(self, aggregate: "ArtifactName") -> None:
            others = aggregate.aliases.items()
            aggregate.aliases = {name: each for name, each in others if name != self.alias}

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"alias {self.alias}"})

    class Reverted(Event):
        """The aliases are those of an earlier revision, also after the last one was removed."""

        TOPIC = "artifact_name.reverted"
        name: str
        aliases: dict[str, AliasTarget]

        def apply(self, aggregate: "ArtifactName") -> None:
            aggregate.aliases = dict(self.aliases)
            aggregate.deleted = False

    class Deleted(Event):
        """The last alias was removed."""

        TOPIC = "artifact_name.deleted"

        def apply(self, aggregate: "ArtifactName") -> None:
            aggregate.aliases = {}
            aggregate.deleted = True

    def __init__(self, name: str, aliases: Mapping[str, AliasTarget]) -> None:
        super().__init__(name)
        self.aliases = dict(aliases)

    @property
    def kind(self) -> str:
        """The noun for messages."""
        return "artifact"

    @staticmethod
    def id_of(name: str) -> UUID:
        """The id of a name, in every log."""
        return uuid5(_IDS, name)

    @classmethod
    def register(cls, name: str, alias: str, target: AliasTarget) -> Self:
        """Give an artifact its first alias.

        Args:
            name: The name of the artifact.
            alias: The alias.
            target: The version that it stands for.

        Raises:
            InvalidName: The alias breaks the rule for aliases.
        """
        aliases = {version_label("alias", alias): target}
        return cls._create(cls.Registered, id=cls.id_of(name), name=name, aliases=aliases)

    def set_alias(self, alias: str, target: AliasTarget) -> None:
        """Add an alias, or let it stand for another version.

        Args:
            alias: The alias.
            target: The version.

        Raises:
            InvalidName: The alias breaks the rule for aliases.
            NothingToChange: It stands for that version.
        """
        alias = version_label("alias", alias)
        if self.deleted:
            self.trigger_event(self.Reverted, name=self.name, aliases={alias: target})
        elif self.aliases.get(alias) == target:
            raise NothingToChange(self.kind, self.name, self.version)
        else:
            self.trigger_event(self.AliasSet, alias=alias, target=target)

    def remove_alias(self, alias: str) -> None:
        """Remove an alias.

        Args:
            alias: The alias.

        Raises:
            NotFound: There is no such alias.
        """
        if alias not in self.aliases:
            known = ", ".join(self.aliases)
            hint = f"there is {known}" if known else ""
            raise NotFound("alias", f"{self.name}@{alias}", hint)
        if len(self.aliases) == 1:
            self.trigger_event(self.Deleted)
        else:
            self.trigger_event(self.AliasRemoved, alias=alias)

    def revert(self, past: "ArtifactName") -> None:
        """Restore the aliases of an earlier revision.

        Args:
            past: The name at that revision.

        Raises:
            NothingToChange: They are the same.
        """
        if not self.deleted and past.aliases == self.aliases:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Reverted, name=self.name, aliases=past.aliases)

    def restore(self, past: "ArtifactName") -> None:
        """Restore the aliases after the last one was removed; see `revert`."""
        self.revert(past)

    def delete(self) -> None:
        """Remove all aliases.

        Raises:
            NotFound: It has none.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)
