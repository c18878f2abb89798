"""Flavor: an implementation of a component type, registered by a user."""

from typing import Any, Literal, Self

from stackfold.domain.errors import NotDeleted, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.name import valid_name
from stackfold.domain.stacks.component_type import ComponentType


class Flavor(Revertible):
    """A class of the user's own that implements a component type."""

    TOPIC = "flavor"

    class Event(Revertible.Event):
        """Something that happened to a flavor."""

    class Registered(Event, FirstEvent):
        """It was found to implement its type."""

        TOPIC = "flavor.registered"
        originator_topic: Literal["flavor"]
        type: ComponentType
        name: str
        source: str
        summary: str
        configuration_schema: dict[str, Any]

    class Deleted(Event):
        """It can no longer be chosen."""

        TOPIC = "flavor.deleted"

        def apply(self, aggregate: "Flavor") -> None:
            aggregate.deleted = True

    class Restored(Event):
        """It was deleted and can be chosen again."""

        TOPIC = "flavor.restored"
        type: ComponentType
        name: str
        source: str
        summary: str
        configuration_schema: dict[str, Any]

        def apply(self, aggregate: "Flavor") -> None:
            aggregate.deleted = False

    def __init__(
        self,
        type: ComponentType,
        name: str,
        source: str,
        summary: str,
        configuration_schema: dict[str, Any],
    ) -> None:
        super().__init__(name)
        self.type = type
        self.source = source
        self.summary = summary
        self.configuration_schema = dict(configuration_schema)

    @property
    def kind(self) -> str:
        """Such as `artifact store flavor`."""
        return f"{self.type.noun} flavor"

    @classmethod
    def register(
        cls,
        type: ComponentType,
        name: str,
        source: str,
        summary: str,
        configuration_schema: dict[str, Any],
    ) -> Self:
        """Make a class known as a flavor.

        Args:
            type: The component type whose port the class implements.
            name: The flavor's name, unique among the living flavors of its type.
            source: Where the class is, as "module.Class".
            summary: What it is, in one line.
            configuration_schema: JSON schema of its configuration, as it was on registration.

        Raises:
            InvalidName: The name breaks the rule for names.
        """
        return cls._create(
            cls.Registered,
            type=type,
            name=valid_name(f"{type.noun} flavor", name),
            source=source,
            summary=summary,
            configuration_schema=configuration_schema,
        )

    def delete(self) -> None:
        """Be no longer known; that no component uses it is checked where all are known.

        Raises:
            NotFound: It was deleted before.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def revert(self, past: "Flavor") -> None:
        """Become what `past` was: a flavor never changes, so there is nothing to do.

        Raises:
            NothingToChange: Always.
        """
        raise NothingToChange(self.kind, self.name, self.version)

    def restore(self, past: "Flavor") -> None:
        """Be known again.

        Raises:
            NotDeleted: It is known.
        """
        if not self.deleted:
            raise NotDeleted(self.kind, self.name)
        self.trigger_event(
            self.Restored,
            type=past.type,
            name=past.name,
            source=past.source,
            summary=past.summary,
            configuration_schema=past.configuration_schema,
        )
