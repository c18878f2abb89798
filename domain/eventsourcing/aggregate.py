"""What every event and every aggregate of ours has in common."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID, uuid4

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate
from pydantic import BaseModel, ConfigDict

from stackfold.domain.errors import NotFound
from stackfold.domain.limits import MESSAGE, must_fit


class DomainEvent(BaseModel):
    """A fact: frozen, signed, and refusing fields that it does not declare."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    TOPIC: ClassVar[str]
    """Its name in the log; it outlives any module path."""
    class_version: ClassVar[int] = 1
    """The version of its fields. One above 1 has a static method `upcast_v1_v2(state)` for each
    step, which makes the fields of an older version those of the next (docs/decisions)."""

    originator_id: UUID
    originator_version: int
    timestamp: datetime
    """When the command ran, by the clock of the machine it ran on."""
    by: str
    """Who ran the command."""
    why: str
    """The message given with the command; may be empty."""
    undoes: int | None = None
    """The change that the command took back, if it took one back."""

    @staticmethod
    def create_timestamp() -> datetime:
        """The time of the event: now, in UTC."""
        return datetime.now(UTC)

    def changed_fields(self) -> frozenset[str]:
        """The fields that this event sets, for telling apart changes that can both stand."""
        return frozenset({"everything"})


class FirstEvent(DomainEvent, CanInitAggregate[UUID]):
    """Mixed into the event that begins a stream.

    Each one narrows `originator_topic` to its own aggregate's, so that no log can name a class.
    """

    originator_topic: str


class Aggregate(BaseAggregate[UUID]):
    """One stream of events. Rules stand in commands, assignments in the events' `apply`.

    The first event's fields are the arguments of `__init__`.
    """

    TOPIC = ""

    class Event(DomainEvent, CanMutateAggregate[UUID]):
        """The base of this aggregate's events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.deleted = False

    @property
    def kind(self) -> str:
        """What it is called in a sentence."""
        return self.TOPIC

    @classmethod
    def _create(
        cls, event_class: type[CanInitAggregate[UUID]], *, id: UUID | None = None, **facts: Any
    ) -> Self:
        return super()._create(event_class, id=id or uuid4(), **facts, **_metadata.get()._asdict())

    def trigger_event(self, event_class: type[CanMutateAggregate[UUID]], **facts: Any) -> None:
        """Record one fact and apply it, signed by whoever the command runs for."""
        super().trigger_event(event_class, **facts, **_metadata.get()._asdict())

    def must_exist(self) -> None:
        """Refuse to go on with something that was deleted.

        Raises:
            NotFound: It was deleted.
        """
        if self.deleted:
            raise NotFound(self.kind, self.name)


class Revertible(Aggregate):
    """An aggregate that can become again what it was."""

    class Event(Aggregate.Event):
        """The base of this aggregate's events."""

    @abstractmethod
    def revert(self, past: Self) -> None:
        """Become what `past` was, as a new revision."""

    @abstractmethod
    def restore(self, past: Self) -> None:
        """Be there again, as `past` was."""

    @abstractmethod
    def delete(self) -> None:
        """Be gone."""

    def become(self, past: Self | None) -> None:
        """Become what `past` was, or be gone where there was nothing; as a new revision."""
        if past is None or past.deleted:
            self.delete()
        elif self.deleted:
            self.restore(past)
        else:
            self.revert(past)


class EventMetadata(NamedTuple):
    """Who, why, and which change is taken back: what every event of a command carries."""

    by: str
    why: str
    undoes: int | None = None


_NO_METADATA = EventMetadata("unknown", "")
_metadata: ContextVar[EventMetadata] = ContextVar("signature", default=_NO_METADATA)


@contextmanager
def event_metadata(by: str, why: str = "", undoes: int | None = None) -> Iterator[None]:
    """Sign every event that is recorded inside the block.

    Args:
        by: Who acts.
        why: The reason, in their own words; may be empty.
        undoes: The change that is taken back, by the position of its first event.

    Raises:
        TooLarge: The reason is longer than a message may be.
    """
    must_fit("the message", why, MESSAGE)
    token = _metadata.set(EventMetadata(by, why, undoes))
    try:
        yield
    finally:
        _metadata.reset(token)
