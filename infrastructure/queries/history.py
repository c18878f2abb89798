"""Reading the past: plain SQL over the log and the temporal read models."""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.history.queries import Revision
from stackfold.application.history.views import HistoryEntry, LogFilter
from stackfold.application.listing.reference import Reference
from stackfold.domain.errors import NotFound
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.log_entries import (
    COLUMNS,
    PAGE,
    EntryReader,
    Event,
    state_of,
)
from stackfold.infrastructure.queries.log_filter import Selection, selection
from stackfold.infrastructure.queries.lookup import marks, table_of
from stackfold.infrastructure.queries.text import normal


class SqlHistory:
    """What was done, by whom, and why."""

    def __init__(self, database: Database) -> None:
        """Read the log in `database`."""
        self._database = database

    def log(self, wanted: LogFilter) -> Iterator[HistoryEntry]:
        """The part of the log that a filter asks for."""
        if wanted.limit == 0:
            return
        read = EntryReader(self._database)
        pages = self._pages(selection(self._database, wanted), wanted.newest_first, wanted.limit)
        yield from islice((entry for page in pages for entry in read.page(page)), wanted.limit)

    def at(self, positions: Sequence[int]) -> list[HistoryEntry]:
        """The events at these positions."""
        found: dict[int, Event] = {}
        for begin in range(0, len(positions), PAGE):
            part = positions[begin : begin + PAGE]
            events = self._events(f"e.position IN ({marks(part)})", part)
            found.update((event.position, event) for event in events)
        wanted = (found[position] for position in positions if position in found)
        return [*EntryReader(self._database).entries(wanted)]

    def of(self, id: str, limit: int | None = None) -> list[HistoryEntry]:
        """What happened to one stack, component, flavor or run, newest first; at most so much."""
        events = self._events(
            "e.originator_id = ? ORDER BY e.originator_version DESC LIMIT ?", [id, _most(limit)]
        )
        return [*EntryReader(self._database).entries(events)]

    def of_stack(self, id: str, limit: int | None = None) -> list[HistoryEntry]:
        """The same for a stack, with what happened to its components while it held them."""
        return self.at([*islice(self._positions_of_stack(id, _most(limit)), _most(limit))])

    # -- what reverting needs to know

    def find(
        self,
        kind: str,
        reference: str,
        type: ComponentType | None = None,
        deleted: bool = False,
    ) -> Reference:
        """Something by name or id, whether it is there or was deleted; see `History.find`.

        Raises:
            NotFound: There never was one.
        """
        table = table_of(self._database, kind)
        reference = normal(reference)
        # What was deleted is true in no later row than the one that its deletion ended.
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
        """What was deleted, under the name that it had last; for a component, of a type."""
        table = table_of(self._database, kind)
        rows = self._database.read(
            f"SELECT id, name FROM {table} AS t WHERE until IS NOT NULL"
            f"{' AND type = ?' if type else ''} AND NOT EXISTS (SELECT 1 FROM {table} AS later "
            "WHERE later.id = t.id AND later.since >= t.until) ORDER BY name",
            [type.value] if type else [],
        )
        return [Reference(*row) for row in rows]

    def revision(self, kind: str, id: str, position: int) -> Revision | None:
        """The revision of something that was true at a position; None if it was not there."""
        table = table_of(self._database, kind)
        rows = self._database.read(
            f"SELECT revision, since FROM {table} WHERE id = ? AND since <= ? "
            "AND (until IS NULL OR until > ?) ORDER BY since DESC LIMIT 1",
            [id, position, position],
        )
        return Revision(*rows[0]) if rows else None

    def revisions(self, id: str) -> list[Revision]:
        """Every revision of something with its position, oldest first."""
        rows = self._database.read(
            "SELECT originator_version, position FROM events WHERE originator_id = ? "
            "ORDER BY originator_version",
            [id],
        )
        return [Revision(*row) for row in rows]

    def changes(self) -> Iterator[tuple[int, int | None, list[tuple[str, str, int]]]]:
        """Every change of configuration, newest first.

        Yields:
            Its number, the number of the change that it took back if it took one back, and its
            events as (aggregate's topic, id, revision), newest first. Runs change nothing; what
            was done to deployments is told too.
        """
        all_events = Selection()
        found = self._pages(
            all_events._replace(source=f"{all_events.source} AND substr(e.topic, 1, 4) <> 'run.'"),
            newest_first=True,
        )
        events_found = (event for page in found for event in page)
        for number, group in groupby(events_found, key=lambda event: event.change):
            events = [*group]
            yield (
                number,
                state_of(events[0]).get("undoes"),
                [
                    (event.topic.partition(".")[0], event.originator_id, event.originator_version)
                    for event in events
                ],
            )

    # -- how it is done

    def _positions_of_stack(self, id: str, most: int) -> Iterator[int]:
        """Where a stack was changed, or a component while the stack held it; newest first."""
        until = _END
        for position in self._positions_of(id):
            rows = self._database.read(
                "SELECT components FROM stacks WHERE id = ? AND since = ?", [id, position]
            )
            held = [each for row in rows for ids in cell(row[0]).values() for each in ids]
            during: list[int] = []
            for component in held:
                changed = self._database.read(
                    "SELECT since FROM components WHERE id = ? AND since > ? AND since < ? "
                    "ORDER BY since DESC LIMIT ?",
                    [component, position, until, most],
                )
                during += [since for (since,) in changed]
            yield from sorted(during, reverse=True)
            yield position
            until = position

    def _positions_of(self, id: str) -> Iterator[int]:
        """Where something was changed, newest first."""
        last = _END
        while page := self._database.read(
            "SELECT originator_version, position FROM events WHERE originator_id = ? "
            f"AND originator_version < ? ORDER BY originator_version DESC LIMIT {PAGE}",
            [id, last],
        ):
            yield from (position for _, position in page)
            last, _ = page[-1]

    def _events(self, where: str, parameters: Sequence[Any]) -> list[Event]:
        return self._read(f"{Selection().source} AND {where}", parameters)

    def _read(self, source: str, parameters: Sequence[Any]) -> list[Event]:
        return [
            Event(*row) for row in self._database.read(f"SELECT {COLUMNS} {source}", parameters)
        ]

    def _pages(
        self, wanted: Selection, newest_first: bool, limit: int | None = None
    ) -> Iterator[list[Event]]:
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
