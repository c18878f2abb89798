"""Points in the log's past, as users write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from stackfold.domain.errors import InvalidAsOf
from stackfold.domain.rfc3339 import from_rfc3339, to_rfc3339

AsOf = int | str | datetime | None
"""A position, a time, or a text: `#123`, an RFC 3339 time or date, an age such as `2h` or
`3 days ago`, `today` or `yesterday`, or `run:ID`, the state of the log when that run started. None
means now."""

_AGE = re.compile(
    r"(\d{1,9})\s*(s|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)(\s+ago)?", re.IGNORECASE
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS = {"today": 0, "yesterday": 1}
"""Word → the number of days before today; the day begins at midnight, UTC."""


class Position(NamedTuple):
    """A position in the log."""

    number: int


class Time(NamedTuple):
    """A time: RFC 3339 in UTC with microseconds."""

    text: str


class RunStart(NamedTuple):
    """The start of a run."""

    run: str


def parse_as_of(as_of: int | str | datetime) -> Position | Time | RunStart:
    """Parse a point in the past.

    A date, `today` and `yesterday` mean the beginning of that day, and a time without an offset is
    in UTC.

    Raises:
        InvalidAsOf: The text has none of the formats.
    """
    if isinstance(as_of, bool) or not isinstance(as_of, int | str | datetime):
        raise InvalidAsOf(f"{as_of!r:.100}")
    if isinstance(as_of, int):
        return Position(as_of)
    text = as_of.isoformat() if isinstance(as_of, datetime) else as_of.strip()
    if text.startswith("run:") and len(text) > len("run:"):
        return RunStart(text.removeprefix("run:"))
    if text.lower() in _DAYS:
        day = datetime.now(UTC) - timedelta(days=_DAYS[text.lower()])
        return Time(to_rfc3339(day.replace(hour=0, minute=0, second=0, microsecond=0)))
    if re.fullmatch(r"#\d{1,18}", text):
        return Position(int(text[1:]))
    age = _AGE.fullmatch(text)
    try:
        if age:
            back = timedelta(**{_UNITS[age[2][0].lower()]: int(age[1])})
            return Time(to_rfc3339(datetime.now(UTC) - back))
        return Time(to_rfc3339(from_rfc3339(text)))
    except (ValueError, OverflowError) as error:
        raise InvalidAsOf(text) from error
