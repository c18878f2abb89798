"""The log as a whole: read, follow, verify, rebuild, export and fork it.

Reading needs neither eventsourcing nor pydantic, so other methods import what needs them.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.arguments import LARGEST, checked, is_number
from stackfold.application.eventsourcing.as_of import AsOf, Time, parse_as_of
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.history.views import (
    Detail,
    HistoryEntry,
    LastVerified,
    LogEvent,
    LogFilter,
)
from stackfold.application.listing.reference import Reference
from stackfold.domain.errors import Invalid, UnknownComponentType
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName, in_order
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.hash_chain import Head
from stackfold.infrastructure.eventstore.records import event_of, head, records
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.history import SqlHistory

if TYPE_CHECKING:
    from uuid import UUID

    from eventsourcing.application import Application

    from stackfold.infrastructure.eventstore.clock import Ahead
    from stackfold.infrastructure.eventstore.event_subscription import EventSubscription
    from stackfold.infrastructure.eventstore.rebuild import Progress
    from stackfold.infrastructure.eventstore.verification import Verification


@checked
class Log:
    """All events, in the order in which they were committed."""

    def __init__(self, database: Database, home: Path) -> None:
        """Create the service.

        Args:
            database: Holds the log.
            home: The folder that remembers how far the log was verified.
        """
        self._database = database
        self._home = home
        self._history = SqlHistory(database)

    def entries(
        self,
        *,
        since: AsOf = None,
        until: AsOf = None,
        by: str | None = None,
        kind: str | None = None,
        kinds: Collection[str] = (),
        name: str | None = None,
        detail: Detail = "all",
        grep: str | None = None,
        limit: int | None = None,
        newest_first: bool = True,
    ) -> Iterator[HistoryEntry]:
        """What each event changed, by whom and why.

        Args:
            since: Only events that were recorded at or after this point.
            until: Only events that were recorded at or before this point.
            by: Only events of this author; without "@", also of this author at any host.
            kind: Only events of this kind: stack, a component type, flavor, activation or run.
            kinds: Only events of one of these kinds, or of `kind`; empty for all.
            name: Only events of what had this name after the event.
            detail: "changes" omits events of runs, "runs" only those of their steps.
            grep: Only events whose name, author, reason or recorded values contain this text, in
                any case. At most 100,000 events are searched: `since` and `until` say which.
            limit: The largest number of entries.
            newest_first: Whether the order is from the newest to the oldest.

        Raises:
            InvalidAsOf: A point has an unknown format.
            AsOfOutOfRange: A position is not in the log.
        """
        wanted = LogFilter(
            after=self._position_before(since),
            since=_time(since),
            upto=None if _time(until) else self.position(until),
            until=_time(until),
            by=by,
            kinds=(*kinds, *([] if kind is None else [kind])),
            name=name,
            detail=detail,
            grep=grep,
            limit=limit,
            newest_first=newest_first,
        )
        return self._history.log(wanted)

    def events(self, after: int = 0, upto: int | None = None) -> Iterator[LogEvent]:
        """The events as they were recorded, oldest first.

        Args:
            after: Only events after this position.
            upto: Only events up to this position.

        Raises:
            Invalid: A position is none.
            UnreadableEvent: An event is damaged.
        """
        for name, position in (("after", after), ("upto", 0 if upto is None else upto)):
            if not is_number(position) or not 0 <= position <= LARGEST:
                raise Invalid(f"{name}={position!r:.100} is not a position: give 0 or more")
        return map(event_of, records(self._database, after, upto))

    def subscribe(
        self,
        after: int | str | Head = 0,
        timeout: float | None = None,
        topics: Collection[str] = (),
    ) -> "EventSubscription":
        """The same as `Workspace.subscribe`.

        Args:
            after: The last position that was processed, or the head at it.
            timeout: Seconds to wait for the next event; None for no limit.
            topics: Only events of these topics; empty for all.
        """
        from stackfold.infrastructure.eventstore.event_subscription import EventSubscription

        return EventSubscription(self._database, after, topics, timeout)

    def position(self, as_of: AsOf) -> int | None:
        """Return the last position that belongs to a point in the past; None for now.

        Args:
            as_of: A point in the past.

        Raises:
            InvalidAsOf: The point has an unknown form.
            AsOfOutOfRange: It is before the first event, or after the last position.
            NotFound: There is no such run.
        """
        return position_of(self._database, as_of)

    def deleted(self, kind: str, type: TypeOrName | None = None) -> Sequence[Reference]:
        """Return deleted aggregates, by their last names.

        Args:
            kind: "stack", "component", "flavor" or "deployment".
            type: The component type, for components.

        Raises:
            Invalid: There is no such kind.
            UnknownComponentType: There is no such type, and the log does not mention one.
        """
        found = None if type is None else self._type(type)
        try:
            return self._history.deleted(kind, found)
        except LookupError as error:
            raise Invalid(f"kind={kind!r:.100} is not a kind of aggregate with names") from error

    def head(self) -> Head:
        """The last position and its hash; stored elsewhere, they prove that nothing was cut off."""
        return head(self._database)

    def ahead(self) -> "Ahead | None":
        """Whether the last event is ahead of the clock.

        Every change of such a log also warns of it: by the logger "stackfold", or on stderr of a
        command.

        Returns:
            The problem, which says what resolves it; None if the last event is not ahead.
        """
        from stackfold.infrastructure.eventstore.clock import ahead

        with self._database.look() as cursor:
            ((time,),) = cursor.execute(f"SELECT {self._database.clock}").fetchall()
            return ahead(self._database, cursor, self.head(), time)

    def verify(
        self, known: str | None = None, progress: "Progress | None" = None
    ) -> "Verification":
        """Recompute the hash chain, and compare the read models with a fresh fold of the log.

        The home remembers the head of a log without a problem: see `last_verified`.

        Args:
            known: A head that was stored earlier, as "POSITION:HASH".
            progress: Called with the number of events that are done.

        Raises:
            Invalid: `known` has another format.
        """
        from stackfold.infrastructure.eventstore.last_verified import remember
        from stackfold.infrastructure.eventstore.verification import verify

        found = verify(self._database, known, progress)
        if found.intact and found.events:
            remember(self._home, found.head)
        return found

    def last_verified(self) -> LastVerified | None:
        """Return how far the log was verified from this home; None if it never was."""
        from stackfold.infrastructure.eventstore.last_verified import last_verified

        return last_verified(self._home, self._database)

    def verify_end(self, count: int) -> "Verification":
        """Recompute the hashes of the last events, which is quick; `verify` verifies everything.

        Args:
            count: The number of events.
        """
        from stackfold.infrastructure.eventstore.verification import verify_end

        return verify_end(self._database, count)

    @outside_changes
    def rebuild(self, progress: "Progress | None" = None) -> int:
        """Rebuild the read models from the log, in one transaction, while readers continue.

        Args:
            progress: Called with the number of events that are done.

        Returns:
            The number of events.
        """
        from stackfold.infrastructure.eventstore.rebuild import rebuild

        return rebuild(self._database, progress)

    @outside_changes
    def export(self, path: Path) -> Head:
        """Write the log to a new file, one JSON object per line; returns its head.

        Args:
            path: The file to write.

        Raises:
            InvalidFile: The file exists or cannot be written.
        """
        from stackfold.infrastructure.eventstore.export import export

        return export(self._database, path)

    @outside_changes
    def fork(self, at: AsOf, home: Path) -> Head:
        """Create a home with the log up to a point in the past; returns its head.

        Args:
            at: The last event of the copy.
            home: The folder of the copy, which must have no log.

        Raises:
            InvalidAsOf: The point has an unknown format.
            AsOfOutOfRange: The point is not in the log.
            LogUnavailable: The home already has a log, or it cannot be created.
        """
        from stackfold.infrastructure.eventstore.fork import fork

        return fork(self._database, self.position(at), home)

    def write_schemas(self, folder: Path) -> int:
        """Write a JSON Schema for every version of every event, a file each.

        Args:
            folder: The folder; it is created if it does not exist, and files of the same names
                are replaced.

        Returns:
            The number of files.

        Raises:
            InvalidFile: A file cannot be written.
        """
        from stackfold.infrastructure.eventstore.event_schemas import write_schemas

        return len(write_schemas(self._database.aggregates, folder))

    def application_class(self) -> "type[Application[UUID]]":
        """The class of an eventsourcing `Application` that works on this log.

        Give it to the library's `ProjectionRunner`, or read its `notification_log`.
        """
        from stackfold.infrastructure.eventstore.application import application_class

        return application_class(self._database)

    def _type(self, name: str) -> ComponentType:
        if name in ComponentType or isinstance(name, ComponentType):
            return ComponentType(name)
        from stackfold.infrastructure.queries.component_types import recorded_types

        recorded = recorded_types(self._database).names()
        if name not in recorded:
            raise UnknownComponentType(name, in_order((*ComponentType, *recorded)))
        return ComponentType(name)

    def _position_before(self, since: AsOf) -> int:
        position = None if _time(since) else self.position(since)
        return 0 if position is None else position - 1


def _time(as_of: AsOf) -> str | None:
    """The time that a point means, if it is a time, which may be outside of the log."""
    point = None if as_of is None else parse_as_of(as_of)
    return point.text if isinstance(point, Time) else None
