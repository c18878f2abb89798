"""The base classes of events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.domain import CanInitAggregate
from pydantic import BaseModel, ConfigDict, SkipValidation

from stackfold.domain.eventsourcing.metadata import EventMetadata

EarlierFields = Mapping[int, Mapping[str, Any]]
"""Version → field → (type, default); the default is `...` for a required field."""


class DomainEvent(BaseModel):
    """A recorded fact; immutable, with declared fields only."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    TOPIC: ClassVar[str]
    """The event's name in the log, which does not depend on the path of its class."""
    class_version: ClassVar[int] = 1
    """The version of the fields. A class of version 2 has a static method `upcast_v1_v2(state)`,
    which changes the fields of version 1 into those of version 2 (docs/decisions/0009)."""

    EARLIER_FIELDS: ClassVar[EarlierFields] = {}
    """The fields that had another type in earlier versions, for `log schema`."""

    LATER_FIELDS: ClassVar[frozenset[str]] = frozenset()
    """Fields added after a release. The log omits them at their default, so that other events
    keep their bytes. Values in events may declare the same."""

    originator_id: UUID
    originator_version: int
    timestamp: datetime
    """When the command ran, by the clock of its machine."""
    event_metadata: SkipValidation[EventMetadata | None] = None
    """Who made the change and why; None until the event is saved."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Reject fields whose names event metadata has, since the log writes both side by side.

        Raises:
            TypeError: The class declares such a field.
        """
        super().__pydantic_init_subclass__(**options)
        for name in EventMetadata._fields:
            if name in cls.model_fields:
                raise TypeError(
                    f"event class {cls.__qualname__}: the field {name!r} is reserved for the "
                    "metadata of events: give it another name"
                )

    @staticmethod
    def create_timestamp() -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)

    def stamp(self, metadata: EventMetadata) -> None:
        """Attach metadata, before the event is saved.

        Args:
            metadata: Who made the change, and why.
        """
        # The data of an event is frozen; its metadata is not part of it.
        object.__setattr__(self, "event_metadata", metadata)

    @property
    def declared_by(self) -> str | None:
        """The package that declares what the event is about; None for what Stackfold declares."""
        return None

    def changed_fields(self) -> frozenset[str]:
        """The fields that this event sets; concurrent changes of other fields do not conflict."""
        return frozenset({"everything"})


class FirstEvent(DomainEvent, CanInitAggregate[UUID]):
    """Mixin of the first event of a stream.

    Each class narrows `originator_topic` to the topic of its aggregate, so that a log cannot name
    another class.
    """

    originator_topic: Any
