"""The one log, as the services use it: load, save, and try again where a race was lost."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, TypeVar
from uuid import UUID

from eventsourcing.persistence import EventStore, RecordConflictError

from stackfold.application.eventsourcing.aggregate_type import Aggregates
from stackfold.application.eventsourcing.snapshots import Snapshots, revive
from stackfold.domain.errors import ConcurrentModification, NotFound
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.limits import MESSAGE, must_fit

A = TypeVar("A", bound=Aggregate)
R = TypeVar("R")

Preview = Callable[[Sequence[int]], None]

ATTEMPTS = 100
"""How often what a run records is tried; every lost race means that another command succeeded."""

_RACES = 3
"""How many races a command may lose before nobody else may race: where very many do, some would
lose for ever."""


class Undo(NamedTuple):
    """Aggregates to save as one change that takes back another one."""

    aggregates: Sequence[Aggregate]
    of: int
    """The change that is taken back, by the position of its first event."""


class Repository:
    """Aggregates, loaded from the log and saved to it."""

    def __init__(
        self,
        store: "EventStore[UUID]",
        snapshots: Snapshots,
        aggregates: Aggregates,
        author: Callable[[], str],
        exclusive: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Read and append events through `store`, signed by `author()`.

        In a block of `exclusive()` nobody else records anything.
        """
        self._store = store
        self._snapshots = snapshots
        self.aggregates = aggregates
        self.author = author
        self._exclusive = exclusive

    def load(self, kind: type[A], id: UUID | str, revision: int | None = None) -> A:
        """The aggregate with that id, as it is or as it was at a revision.

        Raises:
            NotFound: The log knows no such id or revision.
        """
        declared = self.aggregates.type_of(kind.TOPIC)
        restore = declared.restore if declared else None
        snapshot = self._snapshots.latest(kind.TOPIC, str(id), revision) if restore else None
        aggregate = None
        if snapshot and restore:
            aggregate = revive(kind, UUID(str(id)), snapshot, restore)
        after = snapshot.revision if snapshot else None
        for event in self._events(id, after, upto=revision):
            if aggregate is not None and event.originator_version == aggregate.version:
                # A second one of that revision, which an index that lied let in: both count.
                event.apply(aggregate)  # type: ignore[attr-defined]
            else:
                aggregate = event.mutate(aggregate)  # type: ignore[attr-defined]
        if aggregate is None or (revision is not None and aggregate.version != revision):
            raise NotFound(kind.TOPIC, str(id) if revision is None else f"{id} revision {revision}")
        return aggregate

    def save(
        self,
        *aggregates: Aggregate,
        why: str = "",
        undoes: int | None = None,
        preview: Preview | None = None,
    ) -> Sequence[int]:
        """Append the pending events of all the aggregates, all or nothing.

        Args:
            *aggregates: What is saved, in this order.
            why: The reason.
            undoes: The change that is taken back, if one is.
            preview: If given, everything is done but kept: it is called with the positions to
                look at what would be, and then it is as if nothing had happened.

        Returns:
            The positions of the events.

        Raises:
            RecordConflictError: One of them was changed since it was loaded.
            StackfoldError: What holds between aggregates forbids it.
        """
        events = [event for each in aggregates for event in each.collect_events()]
        if not events:
            return ()
        must_fit("the message", why, MESSAGE)
        metadata = EventMetadata(self.author(), why, undoes)
        for event in events:
            event.stamp(metadata)  # type: ignore[attr-defined]
        recordings = self._store.put(events, events=events, preview=preview)
        return [recording.notification.id for recording in recordings]

    def change(
        self, kind: type[A], id: UUID | str, command: Callable[[A], object], why: str = ""
    ) -> A:
        """Load an aggregate, command it, and save it; after a lost race, load it and try again.

        Args:
            kind: The aggregate's class.
            id: Its id.
            command: Called with the aggregate; may be called again with a later revision.
            why: The reason, for the events.

        Raises:
            ConcurrentModification: The race was lost to a change of the same fields.
            StackfoldError: The command was refused.
        """
        seen = 0

        def once() -> A:
            nonlocal seen
            aggregate = self.load(kind, id)
            first, seen = not seen, seen or aggregate.version
            command(aggregate)
            if not first:
                self._refuse_overlap(aggregate, seen)
            self.save(aggregate, why=why)
            return aggregate

        return self._until_recorded(once)

    def attempt(
        self,
        command: Callable[[], "Sequence[Aggregate] | Undo"],
        why: str = "",
        preview: Preview | None = None,
        *,
        locked: bool = False,
    ) -> Sequence[int]:
        """Save several aggregates as one change; after a lost race, command them again.

        Args:
            command: Returns the aggregates to save; may be called again, and must then ask anew.
            why: The reason, for the events.
            preview: As for `save`.
            locked: Whether the command is called while nobody else can record anything, so that
                what it asks beyond its aggregates still holds when they are saved.

        Returns:
            The positions of the events.

        Raises:
            StackfoldError: The command was refused.
        """

        def once() -> Sequence[int]:
            change = command()
            if isinstance(change, Undo):
                return self.save(*change.aggregates, why=why, undoes=change.of, preview=preview)
            return self.save(*change, why=why, preview=preview)

        if locked:
            with self._exclusive():
                positions = once()
            return positions  # noqa: RET504  # the block ends with the commit
        return self._until_recorded(once)

    def create(
        self, command: Callable[[], Sequence[Aggregate]], why: str = ""
    ) -> tuple[Aggregate, int]:
        """As `attempt`; returns the first of the aggregates, and the last position."""
        aggregates: list[Aggregate] = []

        def remembered() -> Sequence[Aggregate]:
            aggregates[:] = command()
            return aggregates

        *_, last = self.attempt(remembered, why)
        return aggregates[0], last

    def _until_recorded(self, once: Callable[[], R]) -> R:
        """Try again after a lost race; in the end, with nobody else racing."""
        for _ in range(_RACES):
            try:
                return once()
            except RecordConflictError:
                continue
        with self._exclusive():
            result = once()
        return result  # noqa: RET504  # the block ends with the commit

    def _refuse_overlap(self, aggregate: Aggregate, seen: int) -> None:
        """Refuse what is pending if it touches fields that others have changed since `seen`."""
        mine: set[str] = set()
        for event in aggregate.pending_events:
            mine |= event.changed_fields()  # type: ignore[attr-defined]
        for theirs in self._events(aggregate.id, after=seen):
            both = mine & theirs.changed_fields()
            if both or (mine and "everything" in mine | theirs.changed_fields()):
                raise ConcurrentModification(
                    aggregate.kind,
                    aggregate.name,
                    theirs.originator_version,
                    theirs.event_metadata.by if theirs.event_metadata else "",
                    sorted(both or theirs.changed_fields()),
                )

    def _events(
        self, id: UUID | str, after: int | None = None, upto: int | None = None
    ) -> Iterator[DomainEvent]:
        return self._store.get(UUID(str(id)), gt=after, lte=upto)  # type: ignore[return-value]
