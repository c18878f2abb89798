"""Repository: loads and saves aggregates, and retries a command that lost a race.

The eventsourcing library is imported when something is first loaded or saved, so that services
that only read can be created without it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.application.eventsourcing.snapshots import EVERY, Snapshots, revive
from stackfold.domain.errors import ConcurrentModification, NotFound, StaleRevision
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.limits import MESSAGE, must_fit

if TYPE_CHECKING:
    from eventsourcing.persistence import EventStore

    from stackfold.domain.eventsourcing.aggregate import Aggregate
    from stackfold.domain.eventsourcing.event import DomainEvent

A = TypeVar("A", bound="Aggregate")
R = TypeVar("R")

Preview = Callable[[Sequence[int]], None]

ATTEMPTS = 100
"""The attempts to record an event of a run; each lost race means that another command succeeded."""

_RACES = 3
"""The races that a command may lose before it is executed exclusively, since one of very many
concurrent commands could otherwise lose forever."""


_LONGEST_REPLAY = 2 * EVERY
"""The largest number of events that are replayed to reach a past and the latest revision."""


class Undo(NamedTuple):
    """Events to save as one change that undoes another one."""

    events: "Sequence[DomainEvent]"
    of: int
    """The change that is undone, by the position of its first event."""


class EventLog(NamedTuple):
    """The parts of the log that the repository uses."""

    store: "EventStore[UUID]"
    exclusive: Callable[[], AbstractContextManager[None]]
    """In its block, no other writer can append events."""


class Repository:
    """Loads aggregates from the log, and saves them to it."""

    def __init__(
        self,
        open_log: Callable[[], EventLog],
        snapshots: Snapshots,
        aggregates: Aggregates,
        metadata: Callable[[], EventMetadata],
    ) -> None:
        """Create a repository.

        Args:
            open_log: Returns the log; called on first use, as it imports the library.
            snapshots: Finds snapshots, from which replays start.
            aggregates: The declarations of aggregates.
            metadata: Returns the metadata of the events that are saved now.
        """
        self._open_log = open_log
        self._snapshots = snapshots
        self.aggregates = aggregates
        self._metadata = metadata

    def load(self, kind: type[A], id: UUID | str, revision: int | None = None) -> A:
        """Load an aggregate.

        Args:
            kind: Its class.
            id: Its id.
            revision: The revision to load; None for the latest.

        Raises:
            NotFound: The log has no such id or revision.
        """
        id = _valid_id(kind, id)
        aggregate, after = self._start(kind, id, revision)
        for event in self._events(id, after, upto=revision):
            aggregate = _applied(event, aggregate)
        if not isinstance(aggregate, kind) or (
            revision is not None and aggregate.version != revision
        ):
            raise NotFound(kind.TOPIC, str(id) if revision is None else f"{id} revision {revision}")
        return aggregate

    def load_with_past(self, kind: type[A], id: UUID | str, revision: int) -> tuple[A, A]:
        """Load an aggregate as it is, and as it was at a revision, in one replay if that is short.

        Args:
            kind: Its class.
            id: Its id.
            revision: The past revision.

        Returns:
            The latest revision, and the past one.

        Raises:
            NotFound: The log has no such id or revision.
        """
        aggregate, after = self._start(kind, id, revision)
        events = [*self._events(id, after, limit=_LONGEST_REPLAY)]
        past = deepcopy(aggregate) if after == revision else None
        for event in events:
            aggregate = _applied(event, aggregate)
            if aggregate.version == revision:
                past = deepcopy(aggregate)
        if aggregate is None or past is None or len(events) == _LONGEST_REPLAY:
            return self.load(kind, id), self.load(kind, id, revision)
        return aggregate, past

    def _start(
        self, kind: type[A], id: UUID | str, revision: int | None
    ) -> tuple[A | None, int | None]:
        """The aggregate at its latest snapshot up to a revision, and the revision of that."""
        if revision is not None and revision < EVERY:
            return None, None
        declared = self.aggregates.type_of(kind.TOPIC)
        if declared is None or declared.restore is None:
            return None, None
        snapshot = self._snapshots.latest(kind.TOPIC, str(id), revision)
        if snapshot is None:
            return None, None
        return revive(kind, UUID(str(id)), snapshot, declared.restore), snapshot.revision

    def save(
        self,
        *aggregates: "Aggregate",
        why: str = "",
        undoes: int | None = None,
        preview: Preview | None = None,
    ) -> Sequence[int]:
        """Append the pending events of aggregates, all or nothing.

        Args:
            *aggregates: The aggregates, in the order of their events.
            why: The reason.
            undoes: The change that is undone, by the position of its first event; None for none.
            preview: Called with the positions before everything is rolled back, for a dry run;
                None to commit.

        Returns:
            The positions of the events.

        Raises:
            ConcurrentModification: An aggregate was changed since it was loaded.
            InvalidActor: Who acts is an invalid text.
            StackfoldError: A constraint forbids an event.
        """
        from eventsourcing.persistence import RecordConflictError

        revisions = [each.version - len(each.pending_events) for each in aggregates]
        try:
            return self.append(*aggregates, why=why, undoes=undoes, preview=preview)
        except RecordConflictError as error:
            raise self._conflict(aggregates, revisions) from error

    def append(
        self,
        *aggregates: "Aggregate",
        why: str = "",
        undoes: int | None = None,
        preview: Preview | None = None,
    ) -> Sequence[int]:
        """As `save`, for callers that repeat their command after a lost race.

        Raises:
            RecordConflictError: An aggregate was changed since it was loaded.
            StackfoldError: As for `save`.
        """
        events: list[Any] = [event for each in aggregates for event in each.collect_events()]
        return self._append(events, why, undoes, preview)

    def _append(
        self,
        events: "Sequence[DomainEvent]",
        why: str,
        undoes: int | None = None,
        preview: Preview | None = None,
    ) -> Sequence[int]:
        if not events:
            return ()
        must_fit("the message", why, MESSAGE)
        metadata = self._metadata()
        metadata = metadata._replace(why=why or metadata.why, undoes=undoes)
        for event in events:
            package = event.declared_by or self.aggregates.package_of(event.TOPIC)
            event.stamp(metadata._replace(package=package) if package else metadata)
        recordings = self._log.store.put(events, events=events, preview=preview)
        return [recording.notification.id for recording in recordings]

    def change(
        self,
        kind: type[A],
        id: UUID | str,
        command: Callable[[A], object],
        why: str = "",
        expected_revision: int | None = None,
    ) -> A:
        """Load an aggregate, execute a command on it, and save it; retry after a lost race.

        Args:
            kind: The class of the aggregate.
            id: Its id.
            command: Called with the aggregate; may be called again with a later revision.
            why: The reason.
            expected_revision: The revision that the command was decided on; None for any.

        Raises:
            StaleRevision: The aggregate has another revision than the expected one.
            ConcurrentModification: A concurrent change touched the same fields.
            StackfoldError: The command failed.
        """
        seen = 0

        def once() -> A:
            nonlocal seen
            aggregate = self.load(kind, id)
            self.expect(aggregate, expected_revision)
            first, seen = not seen, seen or aggregate.version
            command(aggregate)
            if not first:
                self._reject_overlap(aggregate, seen)
            self.append(aggregate, why=why)
            return aggregate

        return self._until_recorded(once)

    def attempt(
        self,
        command: "Callable[[], Sequence[Aggregate] | Undo]",
        why: str = "",
        preview: Preview | None = None,
        *,
        locked: bool = False,
    ) -> Sequence[int]:
        """Save the aggregates of a command as one change; call the command again after a lost race.

        Args:
            command: Returns the aggregates to save; it must load them again in each call.
            why: The reason.
            preview: As for `save`.
            locked: Whether the command is called under the write lock, so that everything it reads
                is still true when its aggregates are saved.

        Returns:
            The positions of the events.

        Raises:
            StackfoldError: The command failed.
        """

        def once() -> Sequence[int]:
            change = command()
            if isinstance(change, Undo):
                return self._append(change.events, why, change.of, preview)
            return self.append(*change, why=why, preview=preview)

        return self._until_recorded(once, locked)

    def create(
        self, command: "Callable[[], Sequence[Aggregate]]", why: str = "", *, locked: bool = False
    ) -> "tuple[Aggregate, int]":
        """Save aggregates as `attempt` does; returns the first one, and the last position.

        Args:
            command: Returns the aggregates to save; it must load them again in each call.
            why: The reason.
            locked: Whether the command is called under the write lock.
        """

        def once() -> "tuple[Aggregate, int]":
            aggregates = command()
            *_, last = self.append(*aggregates, why=why)
            return aggregates[0], last

        return self._until_recorded(once, locked)

    def _until_recorded(self, once: Callable[[], R], locked: bool = False) -> R:
        """Retry after a lost race; after several, or at once if locked, exclude other commands."""
        from eventsourcing.persistence import RecordConflictError

        for _ in range(0 if locked else _RACES):
            try:
                return once()
            except RecordConflictError:
                continue
        with self._log.exclusive():
            result = once()
        return result  # noqa: RET504  # the block ends with the commit

    @cached_property
    def _log(self) -> EventLog:
        return self._open_log()

    def expect(self, aggregate: "Aggregate", revision: int | None) -> None:
        """Check that an aggregate, as it was loaded, has the expected revision.

        Args:
            aggregate: The aggregate.
            revision: The expected revision; None for any.

        Raises:
            StaleRevision: It has another one; says what changed since, and who changed it.
        """
        if revision is None or aggregate.version == revision:
            return
        by, fields = "", set[str]()
        for event in self._events(aggregate.id, after=revision):
            by = event.event_metadata.by if event.event_metadata else ""
            fields |= event.changed_fields()
        raise StaleRevision(
            aggregate.kind, aggregate.name, aggregate.version, by, sorted(fields), revision
        )

    def _conflict(
        self, aggregates: "Sequence[Aggregate]", revisions: Sequence[int]
    ) -> ConcurrentModification:
        """The error for aggregates, one of which was changed after its given revision."""
        for aggregate, revision in zip(aggregates, revisions, strict=True):
            for theirs in self._events(aggregate.id, after=revision):
                return _modified(aggregate, theirs, theirs.changed_fields())
        first = aggregates[0]
        # A row that may exist once, such as the activation of a scope.
        return ConcurrentModification(first.kind, first.name, 1, "another process", ["everything"])

    def _reject_overlap(self, aggregate: "Aggregate", seen: int) -> None:
        """Reject pending events that touch fields that were changed after the revision `seen`."""
        mine: set[str] = set()
        for event in aggregate.pending_events:
            mine |= event.changed_fields()  # type: ignore[attr-defined]
        for theirs in self._events(aggregate.id, after=seen):
            both = mine & theirs.changed_fields()
            if both or (mine and "everything" in mine | theirs.changed_fields()):
                raise _modified(aggregate, theirs, both or theirs.changed_fields())

    def _events(
        self,
        id: UUID | str,
        after: int | None = None,
        upto: int | None = None,
        limit: int | None = None,
    ) -> "Iterator[DomainEvent]":
        return self._log.store.get(  # type: ignore[return-value]
            UUID(str(id)), gt=after, lte=upto, limit=limit
        )


def _valid_id(kind: "type[Aggregate]", id: object) -> UUID:
    try:
        return UUID(str(id))
    except ValueError:
        raise NotFound(kind.TOPIC, str(id)) from None


def _modified(
    aggregate: "Aggregate", theirs: "DomainEvent", fields: Iterable[str]
) -> ConcurrentModification:
    by = theirs.event_metadata.by if theirs.event_metadata else ""
    return ConcurrentModification(
        aggregate.kind, aggregate.name, theirs.originator_version, by, sorted(fields)
    )


def _applied(event: "DomainEvent", aggregate: A | None) -> A:
    if aggregate is not None and event.originator_version == aggregate.version:
        # A damaged index let in a second event of this revision: both are applied.
        event.apply(aggregate)  # type: ignore[attr-defined]
        return aggregate
    return event.mutate(aggregate)  # type: ignore[attr-defined,no-any-return]
