"""Queries for schedules."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.schedules.queries import ScheduleQueries, StoredSchedule
from stackfold.application.schedules.rows import ScheduleRow, trigger_text
from stackfold.application.schedules.services import ScheduleServices
from stackfold.application.schedules.views import (
    OccurrenceView,
    ScheduleDescription,
    ScheduleView,
    StartedRun,
)
from stackfold.domain.errors import NotFound
from stackfold.domain.rfc3339 import from_rfc3339, to_rfc3339, to_the_second
from stackfold.domain.schedules.intervals import interval_text
from stackfold.domain.schedules.times import Times

if TYPE_CHECKING:
    from stackfold.application.listing.reference import Reference

_NEXT = 5
_LATEST = 5


@checked
class ScheduleReader:
    """Queries for schedules; `Schedules` adds the commands."""

    def __init__(self, queries: ScheduleQueries, services: ScheduleServices) -> None:
        """Create the service.

        Args:
            queries: Reads schedules.
            services: Creates what commands need, on first use.
        """
        self._queries = queries
        self._services = services

    def list(self, listing: Listing = ALL, as_of: AsOf = None) -> Sequence[ScheduleView]:
        """List schedules.

        Args:
            listing: Filters, order and page.
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.

        Raises:
            InvalidListing: Schedules have no such column.
        """
        position = self._queries.position(as_of)
        now = None if position else datetime.now(UTC)
        return [view_of(each, now) for each in self._queries.schedules(listing, position)]

    def get(self, reference: str, as_of: AsOf = None) -> ScheduleView:
        """Return one schedule.

        Args:
            reference: The schedule.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No schedule matches.
            Ambiguous: The reference is a prefix of several.
        """
        position = self._queries.position(as_of)
        id = self._queries.find(reference, position).id
        return view_of(self._queries.one(id, position), None if position else datetime.now(UTC))

    def describe(
        self, reference: str, as_of: AsOf = None, *, limit: int = _LATEST
    ) -> ScheduleDescription:
        """Return one schedule with its next times, and the latest ones with their runs.

        Args:
            reference: The schedule.
            as_of: A point in the past, of which there are no times; None for now.
            limit: The number of latest times.

        Raises:
            NotFound: No schedule matches.
        """
        view = self.get(reference, as_of)
        if as_of is not None:
            return ScheduleDescription(view, (), ())
        stored = self._queries.one(view.id)
        now = datetime.now(UTC)
        upcoming = times_of(stored.row).next(_begin(stored, now), _NEXT) if _runs(stored) else []
        return ScheduleDescription(
            view, [*map(to_rfc3339, upcoming)], self.occurrences(view.id, limit)
        )

    def occurrences(self, reference: str, limit: int = 20) -> Sequence[OccurrenceView]:
        """Return the latest times of a schedule: those with a run, and those without.

        Args:
            reference: The schedule.
            limit: The most entries to return.

        Raises:
            NotFound: No schedule matches.
        """
        id = self._queries.find(reference).id
        runs = [_with_run(each) for each in self._queries.runs(id, limit)]
        found = [*runs, *self._queries.without_run(id, limit)]
        return sorted(found, key=lambda each: _order(each.until), reverse=True)[:limit]

    def history(
        self, reference: str, limit: int | None = None, *, as_of: AsOf = None
    ) -> Sequence[HistoryEntry]:
        """Return what happened to a schedule, newest first; its runs are not part of it.

        Args:
            reference: The schedule; it may have been deleted.
            limit: The most entries to return.
            as_of: Only changes up to this point in the past; None for all.

        Raises:
            NotFound: There never was such a schedule.
        """
        position = self._queries.position(as_of)
        return self._services.history.of(self._find(reference).id, limit, position)

    def _find(self, reference: str) -> "Reference":
        """A schedule that exists or was deleted."""
        try:
            return self._queries.find(reference)
        except NotFound:
            return self._services.history.find("schedule", reference)


def view_of(stored: StoredSchedule, now: datetime | None) -> ScheduleView:
    """The view of a schedule.

    Args:
        stored: Its row.
        now: The time; None for a point in the past.
    """
    row = stored.row
    upcoming = (
        times_of(row).next(_begin(stored, now), 1) if now is not None and _runs(stored) else []
    )
    return ScheduleView(
        id=stored.id,
        name=row.name,
        pipeline=row.source,
        when=_when(row),
        stack=row.stack,
        state=row.state,
        next=to_rfc3339(upcoming[0]) if upcoming else None,
        last=stored.last,
        last_run=stored.last_run,
        cron=row.cron,
        every=row.every,
        once=row.once,
        trigger=row.reacts_to,
        timezone=row.timezone,
        starts=row.starts,
        ends=row.ends,
        catch_up=row.catch_up,
        catch_up_limit=row.catch_up_limit,
        overlap=row.overlap,
        parameters=row.parameters,
        configuration=row.configuration,
        description=row.description,
        revision=stored.revision,
        created=stored.created,
        updated=stored.updated,
        by=stored.by,
    )


def times_of(row: ScheduleRow) -> Times:
    """The times of a schedule."""
    points: list[Any] = [each and from_rfc3339(each) for each in (row.once, row.starts, row.ends)]
    return Times(row.cron, row.every, points[0], row.timezone, points[1], points[2])


def accounted_of(stored: StoredSchedule) -> datetime:
    """The time up to which the times of a schedule are accounted for."""
    return from_rfc3339(max(stored.row.accounted, stored.last or ""))


def _runs(stored: StoredSchedule) -> bool:
    return stored.row.state == "enabled"


def _begin(stored: StoredSchedule, now: datetime) -> datetime:
    return max(now, accounted_of(stored))


def _when(row: ScheduleRow) -> str:
    if row.cron is not None:
        return f"{row.cron} ({row.timezone})"
    if row.every is not None:
        return f"every {interval_text(row.every)}"
    if row.once is not None:
        return f"once at {to_the_second(row.once)}"
    return f"on {trigger_text(row.reacts_to or {})}"


def _with_run(run: StartedRun) -> OccurrenceView:
    return OccurrenceView(run.time, run.status or "deleted", run.name, 1, run.time, "")


def _order(time: str) -> tuple[bool, int, str]:
    """Times in their order, after events in theirs."""
    if time.startswith("#"):
        return False, int(time[1:]), ""
    return True, 0, time
