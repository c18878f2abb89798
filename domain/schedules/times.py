"""Times: when a schedule starts runs, by a cron expression, an interval, or once.

Times are in UTC. A cron expression is read in the time zone of the schedule, by the rules of
Debian's cron where its clocks change: a time that is skipped is moved to the end of the gap, and a
time that comes twice counts once. Expressions whose minute or hour begins with `*` follow the
clock instead.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.rfc3339 import from_rfc3339

LONGEST_CRON = 200
"""The most characters of a cron expression."""
_SHORTCUTS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class Times(NamedTuple):
    """The times of a schedule; exactly one of `cron`, `every` and `once` is set, or none."""

    cron: str | None = None
    """Five fields: minute, hour, day of the month, month, day of the week."""
    every: int | None = None
    """Seconds between two times, counted from `starts`."""
    once: datetime | None = None
    timezone: str = "UTC"
    """The time zone of the cron expression, by its IANA name."""
    starts: datetime | None = None
    """There is no time before; required by `every`."""
    ends: datetime | None = None
    """There is no time after."""

    def after(self, time: datetime) -> Iterator[datetime]:
        """Yield each time after a time, in order.

        Args:
            time: With a time zone.
        """
        time = time.astimezone(UTC)
        for each in self._unbounded(time):
            if self.ends is not None and each > self.ends:
                return
            if each > time and (self.starts is None or each >= self.starts):
                time = each
                yield each

    def between(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """Return the first times after one time, up to and including another one.

        Args:
            after: With a time zone.
            until: With a time zone.
            most: The largest number of times to return.
        """
        found: list[datetime] = []
        for each in self.after(after):
            if each > until or len(found) == most:
                break
            found.append(each)
        return found

    def last(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """Return the last times after one time, up to and including another one, in order.

        Args:
            after: With a time zone.
            until: With a time zone.
            most: The largest number of times to return.
        """
        span = timedelta(hours=1)
        while True:
            begin = max(after, until - span)
            found = deque(self._until(begin, until), most)
            if begin == after or len(found) == most:
                return [*found]
            span *= 8

    def next(self, after: datetime, count: int) -> list[datetime]:
        """Return the first times after a time.

        Args:
            after: With a time zone.
            count: The number of times; fewer are returned if there are no more.
        """
        return [*islice(self.after(after), count)]

    def _until(self, after: datetime, until: datetime) -> Iterator[datetime]:
        for each in self.after(after):
            if each > until:
                return
            yield each

    def _unbounded(self, time: datetime) -> Iterator[datetime]:
        """Yield times in order, all that are after a time and possibly others."""
        if self.once is not None:
            yield self.once
        elif self.every is not None:
            yield from self._by_interval(time)
        elif self.cron is not None:
            yield from self._by_cron(time)

    def _by_interval(self, time: datetime) -> Iterator[datetime]:
        assert self.every is not None, "the caller checks it"  # noqa: S101
        assert self.starts is not None, "an interval has a start"  # noqa: S101
        step = timedelta(seconds=self.every)
        number = max(0, (time - self.starts) // step)
        while True:
            try:
                yield self.starts + number * step
            except OverflowError:
                return
            number += 1

    def _by_cron(self, time: datetime) -> Iterator[datetime]:
        # Imported late: commands that need no times load faster without it.
        from cronsim import CronSim

        begin = time if self.starts is None else max(time, self.starts - timedelta(seconds=1))
        # A day earlier, since it does not look back across a change of the clocks.
        begin = max(begin - timedelta(days=1), datetime.min.replace(tzinfo=UTC) + timedelta(days=2))
        zone = UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)
        try:
            for each in CronSim(str(self.cron), begin.astimezone(zone)):
                yield each.astimezone(UTC)
        except OverflowError:  # the year 10000
            return


def valid_cron(text: str) -> str:
    """Return a cron expression with one space between its fields.

    Raises:
        InvalidSchedule: It is no cron expression of five fields, or never matches.
    """
    from cronsim import CronSim, CronSimError

    expression = " ".join(_SHORTCUTS.get(text.strip().lower(), text).split())
    if len(expression) > LONGEST_CRON or len(expression.split(" ")) != 5:
        example = "needs five fields, such as '0 6 * * 1-5'"
        raise InvalidSchedule(f"the cron expression {text!r:.60}", example)
    try:
        never = next(CronSim(expression, datetime(2026, 1, 1)), None) is None  # noqa: DTZ001
    except CronSimError as error:
        problem = " ".join(str(error).split()).lower()
        raise InvalidSchedule(f"the cron expression {text!r:.60}", f"has a {problem}") from None
    if never:
        raise InvalidSchedule(f"the cron expression {text!r:.60}", "never matches")
    return expression


def valid_timezone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        InvalidSchedule: The system knows no such time zone.
    """
    try:
        if name != "UTC":
            ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # also of a folder, and of "../name"
        example = "give an IANA name, such as Europe/Berlin"
        raise InvalidSchedule(f"the time zone {name!r:.60}", f"is unknown: {example}") from None
    return name


def time_in(text: str, timezone: str) -> datetime:
    """Parse a time or a date; without an offset it is in a time zone.

    A time that the clocks skip is as much later as they skip; of a time that comes twice, it is the
    first.

    Args:
        text: Such as "2026-12-01 06:00".
        timezone: The name of a valid time zone.

    Raises:
        InvalidSchedule: The text is neither a time nor a date.
    """
    try:
        if text.endswith(("Z", "z")):
            return from_rfc3339(text).astimezone(UTC)
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC if timezone == "UTC" else ZoneInfo(timezone))
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        example = "give one such as 2026-12-01T06:00"
        raise InvalidSchedule(f"the time {text!r:.60}", f"is not valid: {example}") from None
