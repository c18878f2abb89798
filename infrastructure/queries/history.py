"""Queries for history, in plain SQL over the log and the temporal read models."""

from collections.abc import Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Any

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.history.queries import Revision
from stackfold.application.history.views import HistoryEntry, LogFilter
from stackfold.application.listing.reference import Reference
from stackfold.domain.errors import NotFound
from stackfold.domain.eventsourcing.topics import aggregate_topic
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.log_entries import (
    COLUMNS,
    PAGE,
    EntryReader,
    EventRow,
    state_of,
)
from stackfold.infrastructure.queries.log_filter import CHANGES, Selection, selection
from stackfold.infrastructure.queries.log_search import found_in
from stackfold.infrastructure.queries.lookup import marks, table_of
from stackfold.infrastructure.queries.text import normal

_REVISIONS = 16
"""How many revisions of a stack are looked at by one statement."""
_SELECTS = 64
"""The most parts of a statement; SQLite allows 500."""


_RECORDS = (
    "model.promotion_refused",
    "model_version.opened",
    "model_version.completed",
    "model_version.abandoned",
    "model_version.published",
    "model_version.withdrawn",
    "schedule.passed",
)
"""What runs, gates and model registries record about models, and the process that runs schedules
about these: `undo` steps over these events."""


class SqlHistory:
    """Implements `History`."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the log and the read models.
        """
        self._database = database

    def log(self, wanted: LogFilter) -> Iterator[HistoryEntry]:
        """The entries that match a filter."""
        if wanted.limit == 0:
            return
        read = EntryReader(self._database)
        selected = selection(self._database, wanted)
        if wanted.grep is None:
            pages = self._pages(selected, wanted.newest_first, wanted.limit)
        else:
            pages = found_in(self._pages(selected, wanted.newest_first), wanted.grep)
        yield from islice((entry for page in pages for entry in read.page(page)), wanted.limit)

    def at(self, positions: Sequence[int]) -> list[HistoryEntry]:
        """The entries at positions, in the same order."""
        found: dict[int, EventRow] = {}
        for begin in range(0, len(positions), PAGE):
            part = positions[begin : begin + PAGE]
            events = self._events(f"e.position IN ({marks(part)})", part)
            found |= {event.position: event for event in events}
        wanted = [found[position] for position in positions if position in found]
        return [*EntryReader(self._database).entries(wanted)]

    def of(self, id: str, limit: int | None = None, upto: int | None = None) -> list[HistoryEntry]:
        """The entries of an aggregate up to a position, newest first."""
        events = self._events(
            "e.originator_id = ? AND e.position <= ? ORDER BY e.originator_version DESC LIMIT ?",
            [id, _END if upto is None else upto, _most(limit)],
        )
        return [*EntryReader(self._database).entries(events)]

    def of_stack(
        self, id: str, limit: int | None = None, upto: int | None = None
    ) -> list[HistoryEntry]:
        """The entries of a stack, and of components while it contained them, newest first."""
        most, until = _most(limit), _END if upto is None else upto + 1
        return self.at([*islice(self._positions_of_stack(id, most, until), most)])

    def find(
        self,
        kind: str,
        reference: str,
        type: ComponentType | None = None,
        deleted: bool = False,
    ) -> Reference:
        """Find an aggregate that exists or was deleted; see `History.find`.

        Raises:
            NotFound: No aggregate ever had this name or id.
        """
        table = table_of(self._database, kind)
        reference = normal(reference)
        # A deleted aggregate has no row after the one that its deletion ended.
        order = (
            "(until IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {0} AS later "
            "WHERE later.id = {0}.id AND later.since >= {0}.until)) DESC, "
        )
        rows = self._database.read(
            f"SELECT id, name FROM {table} WHERE (name = ? OR id = ?)"
            f"{' AND type = ?' if type else ''} ORDER BY {order.format(table) if deleted else ''}"
            "until IS NULL DESC, since DESC LIMIT 1",
            [reference, reference, *([type.value] if type else [])],
        )
        if not rows:
            raise NotFound(type.noun if type else kind, reference, "there never was one")
        return Reference(*rows[0])

    def deleted(self, kind: str, type: ComponentType | None = None) -> list[Reference]:
        """The deleted aggregates of a kind, with their last names.

        Args:
            kind: The topic, such as "stack".
            type: For components, their type.
        """
        table = table_of(self._database, kind)
        rows = self._database.read(
            f"SELECT id, name FROM {table} AS t WHERE until IS NOT NULL"
            f"{' AND type = ?' if type else ''} AND NOT EXISTS (SELECT 1 FROM {table} AS later "
            "WHERE later.id = t.id AND later.since >= t.until) ORDER BY name",
            [type.value] if type else [],
        )
        return [Reference(*row) for row in rows]

    def revision(self, kind: str, id: str, position: int) -> Revision | None:
        """The revision of an aggregate at a position; None if it did not exist."""
        table = table_of(self._database, kind)
        rows = self._database.read(
            f"SELECT revision, since FROM {table} WHERE id = ? AND since <= ? "
            "AND (until IS NULL OR until > ?) ORDER BY since DESC LIMIT 1",
            [id, position, position],
        )
        return Revision(*rows[0]) if rows else None

    def revisions(self, id: str) -> list[Revision]:
        """Every revision of an aggregate with its position, oldest first."""
        rows = self._database.read(
            "SELECT originator_version, position FROM events WHERE originator_id = ? "
            "ORDER BY originator_version",
            [id],
        )
        return [Revision(*row) for row in rows]

    def changes(self) -> Iterator[tuple[int, int | None, list[tuple[str, str, int]]]]:
        """Every change of configuration, newest first.

        Yields:
            The number of the change, the number of the change that it undoes (None if it undoes
            none), and its events as (aggregate's topic, id, revision), newest first. Events of
            runs, and what runs and gates record about models, are omitted: they change no
            configuration.
        """
        all_events = Selection()
        found = self._pages(
            all_events._replace(
                source=f"{all_events.source}{CHANGES} AND e.topic NOT IN ({marks(_RECORDS)})",
                parameters=_RECORDS,
            ),
            newest_first=True,
        )
        events_found = (event for page in found for event in page)
        for number, group in groupby(events_found, key=lambda event: event.change):
            events = [*group]
            if self._began_with_run(events):
                continue
            yield (
                number,
                state_of(events[0]).get("undoes"),
                [
                    (aggregate_topic(event.topic), event.originator_id, event.originator_version)
                    for event in events
                ],
            )

    def _began_with_run(self, events: Sequence[EventRow]) -> bool:
        """Whether a change is the start of a run, which registered the model that it makes."""
        first = events[-1]
        if first.topic != "model.registered" or first.position == first.change:
            return False
        rows = self._database.read("SELECT topic FROM events WHERE position = ?", [first.change])
        return [*rows] == [("run.started",)]

    def _positions_of_stack(self, id: str, most: int, until: int) -> Iterator[int]:
        """The positions before one of changes of a stack, and of components in it; newest first."""
        positions = self._positions_of(id, until)
        while page := [*islice(positions, min(most, _REVISIONS))]:
            rows = self._database.read(
                f"SELECT since, components FROM stacks WHERE id = ? AND since IN ({marks(page)})",
                [id, *page],
            )
            contained = {since: [*chain(*cell(held).values())] for since, held in rows}
            intervals = []
            for position in page:
                intervals += [(each, position, until) for each in contained.get(position, ())]
                until = position
            yield from sorted([*page, *self._changed_in(intervals, most)], reverse=True)

    def _changed_in(self, intervals: Sequence[tuple[str, int, int]], most: int) -> list[int]:
        """The positions of changes of components, each between two positions.

        Args:
            intervals: The id of a component, and the positions, of which neither is included.
            most: The most changes to read in an interval: the last ones.
        """
        # One seek in each interval; one condition for all would read and sort every change.
        select = (
            "SELECT since FROM (SELECT since FROM components WHERE id = ? AND since > ? "
            "AND since < ? ORDER BY since DESC LIMIT ?) AS changed"
        )
        found = []
        for begin in range(0, len(intervals), _SELECTS):
            part = intervals[begin : begin + _SELECTS]
            found += self._database.read(
                " UNION ALL ".join([select] * len(part)),
                [value for interval in part for value in (*interval, most)],
            )
        return [since for (since,) in found]

    def _positions_of(self, id: str, until: int) -> Iterator[int]:
        """The positions before one of the events of an aggregate, newest first."""
        last = _END
        while page := self._database.read(
            "SELECT originator_version, position FROM events WHERE originator_id = ? "
            "AND originator_version < ? AND position < ? "
            f"ORDER BY originator_version DESC LIMIT {PAGE}",
            [id, last, until],
        ):
            yield from (position for _, position in page)
            last, _ = page[-1]

    def _events(self, where: str, parameters: Sequence[Any]) -> list[EventRow]:
        return self._read(f"{Selection().source} AND {where}", parameters)

    def _read(self, source: str, parameters: Sequence[Any]) -> list[EventRow]:
        return [
            EventRow(*row) for row in self._database.read(f"SELECT {COLUMNS} {source}", parameters)
        ]

    def _pages(
        self, wanted: Selection, newest_first: bool, limit: int | None = None
    ) -> Iterator[list[EventRow]]:
        """Events by position, read a page at a time, so that no other thread waits long.

        Args:
            wanted: The events.
            newest_first: The order.
            limit: How many may be enough; the first page is no larger.
        """
        position, low, high = wanted.position, wanted.after, wanted.upto
        statement = (
            f"{wanted.source} AND {position} > ? AND {position} <= ? "
            f"ORDER BY {position} {'DESC' if newest_first else 'ASC'} LIMIT ?"
        )
        size = min(PAGE, limit or PAGE)
        while page := self._read(statement, [*wanted.parameters, low, high, size]):
            yield page
            if len(page) < size:
                return
            last = page[-1].position
            low, high = (low, last - 1) if newest_first else (last, high)
            size = min(PAGE, 2 * size)


_END = 2**63 - 1


def _most(limit: int | None) -> int:
    return _END if limit is None else limit
