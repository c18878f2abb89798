"""Flavor: an implementation of a component type, registered by a user."""

from typing import Any, Literal, Self

from stackfold.domain.errors import NotDeleted, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.name import valid_name
from stackfold.domain.stacks.component_type import ComponentType


class Flavor(Revertible):
    """A class that a user registered as an implementation of a component type."""

    TOPIC = "flavor"

    class Event(Revertible.Event):
        """Base class of the events of a flavor."""

    class Registered(Event, FirstEvent):
        """A flavor was registered."""

        TOPIC = "flavor.registered"
        originator_topic: Literal["flavor"]
        type: ComponentType
        name: str
        source: str
        summary: str
        configuration_schema: dict[str, Any]

        @property
        def declared_by(self) -> str | None:
            return self.type.package

    class Deleted(Event):
        """The flavor was deleted: components can no longer use it."""

        TOPIC = "flavor.deleted"

        def apply(self, aggregate: "Flavor") -> None:
            aggregate.deleted = True

    class Restored(Event):
        """The deleted flavor was restored."""

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
        """The noun for messages, such as `artifact store flavor`."""
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
        """Register a class as a flavor.

        Args:
            type: The component type whose port the class implements.
            name: The flavor's name, unique among the existing flavors of its type.
            source: The class, as "module.Class".
            summary: A description in one line.
            configuration_schema: JSON Schema of the configuration, at the time of registration.

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
        """Delete the flavor; a constraint ensures that no component uses it.

        Raises:
            NotFound: The flavor was deleted.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def revert(self, past: "Flavor") -> None:
        """Reject: a flavor never changes, so every earlier revision equals this one.

        Raises:
            NothingToChange: Always.
        """
        raise NothingToChange(self.kind, self.name, self.version)

    def restore(self, past: "Flavor") -> None:
        """Restore the deleted flavor.

        Raises:
            NotDeleted: The flavor exists.
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
