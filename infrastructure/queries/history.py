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
    EVENTS,
    PAGE,
    EntryReader,
    Event,
    state_of,
)
from stackfold.infrastructure.queries.log_filter import Condition, condition
from stackfold.infrastructure.queries.lookup import marks
from stackfold.infrastructure.queries.text import normal


class SqlHistory:
    """What was done, by whom, and why."""

    def __init__(self, database: Database) -> None:
        """Read the log in `database`."""
        self._database = database

    def log(self, wanted: LogFilter) -> Iterator[HistoryEntry]:
        """The part of the log that a filter asks for."""
        if wanted.name is not None:
            wanted = wanted._replace(name=normal(wanted.name))
        read = EntryReader(self._database)
        left = wanted.limit
        if left == 0:
            return
        for page in self._pages(condition(self._database, wanted), wanted.newest_first, left):
            for entry in read.page(page):
                # The database has left out most of what cannot match, but not all of it.
                if (
                    wanted.by in (None, entry.by)
                    and wanted.kind in (None, entry.kind)
                    and wanted.name in (None, entry.name)
                ):
                    yield entry
                    if left is not None:
                        left -= 1
                        if left == 0:
                            return

    def at(self, positions: Sequence[int]) -> list[HistoryEntry]:
        """The events at these positions."""
        found: dict[int, Event] = {}
        for begin in range(0, len(positions), PAGE):
            part = positions[begin : begin + PAGE]
            events = self._events(f"position IN ({marks(part)})", part)
            found.update((event.position, event) for event in events)
        wanted = (found[position] for position in positions if position in found)
        return [*EntryReader(self._database).entries(wanted)]

    def of(self, id: str, limit: int | None = None) -> list[HistoryEntry]:
        """What happened to one stack, component, flavor or run, newest first; at most so much."""
        events = self._events(
            "originator_id = ? ORDER BY originator_version DESC LIMIT ?", [id, _most(limit)]
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
        table = self._table(kind)
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
        table = self._table(kind)
        rows = self._database.read(
            f"SELECT id, name FROM {table} AS t WHERE until IS NOT NULL"
            f"{' AND type = ?' if type else ''} AND NOT EXISTS (SELECT 1 FROM {table} AS later "
            "WHERE later.id = t.id AND later.since >= t.until) ORDER BY name",
            [type.value] if type else [],
        )
        return [Reference(*row) for row in rows]

    def revision(self, kind: str, id: str, position: int) -> Revision | None:
        """The revision of something that was true at a position; None if it was not there."""
        table = self._table(kind)
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
        found = self._pages(Condition(("substr(topic, 1, 4) <> 'run.'",)), newest_first=True)
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

    def _table(self, kind: str) -> str:
        model = self._database.aggregates.read_model(kind)
        if model is None:
            raise LookupError(f"there is no read model of {kind!r}")
        return model.table

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
        return [Event(*row) for row in self._database.read(f"{EVENTS} WHERE {where}", parameters)]

    def _pages(
        self, wanted: Condition, newest_first: bool, limit: int | None = None
    ) -> Iterator[list[Event]]:
        """Events by position, read a page at a time, so that nobody waits for the reader.

        Args:
            wanted: Which of them.
            newest_first: The order.
            limit: How many may be enough; the first pages are no larger.
        """
        order = "DESC" if newest_first else "ASC"
        where = " AND ".join([*wanted.clauses, "position > ? AND position <= ?"])
        size = min(PAGE, limit or PAGE)
        for stretch in self._stretches(wanted, newest_first):
            low, high = stretch
            while page := self._events(
                f"{where} ORDER BY position {order} LIMIT {size}", [*wanted.parameters, low, high]
            ):
                yield page
                if len(page) < size:
                    break
                last = page[-1].position
                low, high = (low, last - 1) if newest_first else (last, high)
                size = min(PAGE, 2 * size)

    def _stretches(self, wanted: Condition, newest_first: bool) -> Iterator[tuple[int, int]]:
        """The log in parts that are searched by one statement each, so that none takes long."""
        ((low, high),) = self._database.read(
            "SELECT coalesce(min(position) - 1, 0), coalesce(max(position), 0) FROM events"
        )
        low = max(low, wanted.after)
        high = high if wanted.upto is None else min(high, wanted.upto)
        begins = range(low, high, _STRETCH)
        for begin in reversed(begins) if newest_first else begins:
            yield begin, min(begin + _STRETCH, high)


_END = 2**63 - 1
_STRETCH = 20_000


def _most(limit: int | None) -> int:
    return _END if limit is None else limit
