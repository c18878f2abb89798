"""The base classes of events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.domain import CanInitAggregate
from pydantic import BaseModel, ConfigDict, SkipValidation

from stackfold.domain.eventsourcing.metadata import EventMetadata

EarlierFields = Mapping[int, Mapping[str, Any]]
"""Version → field → (type, default)."""


class DomainEvent(BaseModel):
    """A fact: frozen, and refusing fields that it does not declare."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    TOPIC: ClassVar[str]
    """Its name in the log; it outlives any module path."""
    class_version: ClassVar[int] = 1
    """The version of its fields. One above 1 has a static method `upcast_v1_v2(state)` for each
    step, which makes the fields of an older version those of the next (docs/decisions)."""

    EARLIER_FIELDS: ClassVar[EarlierFields] = {}
    """An earlier version → the fields that had another type in it: name → (type, default), where
    the default is `...` for a required field. It documents old events in `log schema`."""

    originator_id: UUID
    originator_version: int
    timestamp: datetime
    """When the command ran, by the clock of the machine it ran on."""
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
        """The time of the event: now, in UTC."""
        return datetime.now(UTC)

    def stamp(self, metadata: EventMetadata) -> None:
        """Attach metadata, before the event is saved."""
        # The data of an event is frozen; its metadata is no part of the data.
        object.__setattr__(self, "event_metadata", metadata)

    def changed_fields(self) -> frozenset[str]:
        """The fields that this event sets, for telling apart changes that can both stand."""
        return frozenset({"everything"})


class FirstEvent(DomainEvent, CanInitAggregate[UUID]):
    """Mixed into the event that begins a stream.

    Each one narrows `originator_topic` to its own aggregate's, so that no log can name a class.
    """

    originator_topic: Any
