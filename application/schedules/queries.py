"""What the commands on schedules ask for; `infrastructure` answers by plain SQL."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.schedules.rows import ScheduleRow
from stackfold.application.schedules.views import OccurrenceView, StartedRun


class StoredSchedule(NamedTuple):
    """A row of the read model, with the last time that a run was started for."""

    id: str
    row: ScheduleRow
    revision: int
    created: str
    updated: str
    by: str
    last: str | None
    last_run: str | None


class ScheduleQueries(Protocol):
    """The questions about schedules."""

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        ...

    def find(self, reference: str, as_of: int | None = None) -> Reference:
        """The schedule with a name, an id or a unique prefix of either.

        Raises:
            NotFound: Nothing matches.
            Ambiguous: The prefix matches several schedules.
        """
        ...

    def schedules(self, listing: Listing = ALL, as_of: int | None = None) -> list[StoredSchedule]:
        """The schedules that match a listing, now or at a position.

        Raises:
            InvalidListing: Schedules have no such column.
        """
        ...

    def one(self, id: str, as_of: int | None = None) -> StoredSchedule:
        """The schedule with an id."""
        ...

    def runs(self, id: str, limit: int) -> Sequence[StartedRun]:
        """The latest runs that the schedule with an id has started, newest first."""
        ...

    def without_run(self, id: str, limit: int) -> Sequence[OccurrenceView]:
        """The latest times without a run of the schedule with an id, newest first."""
        ...

    def was_started(self, id: str, time: str) -> bool:
        """Whether a run was started for a time of the schedule with an id."""
        ...
