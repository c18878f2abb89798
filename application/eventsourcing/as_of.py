"""Points in the log's past, as users write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from stackfold.domain.errors import InvalidAsOf
from stackfold.domain.rfc3339 import from_rfc3339, to_rfc3339

AsOf = int | str | datetime | None
"""A position, a time, or a text: `#123`, an RFC 3339 time or date, an age such as `2h` or `3d`,
or `run:ID`, the log as that run found it. None is now."""

_AGE = re.compile(r"(\d{1,9})\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Position(NamedTuple):
    """A place in the log."""

    number: int


class Time(NamedTuple):
    """A time, as the log writes it."""

    text: str


class RunStart(NamedTuple):
    """Where a run began."""

    run: str


def moment(as_of: int | str | datetime) -> Position | Time | RunStart:
    """Understand what a user wrote.

    A date means its beginning, and a time without an offset is UTC.

    Raises:
        InvalidAsOf: It is none of the forms.
    """
    if isinstance(as_of, int):
        return Position(as_of)
    text = as_of.isoformat() if isinstance(as_of, datetime) else as_of.strip()
    if text.startswith("run:") and len(text) > len("run:"):
        return RunStart(text.removeprefix("run:"))
    if re.fullmatch(r"#\d{1,18}", text):
        return Position(int(text[1:]))
    age = _AGE.fullmatch(text)
    try:
        if age:
            back = timedelta(**{_UNITS[age[2]]: int(age[1])})
            return Time(to_rfc3339(datetime.now(UTC) - back))
        return Time(to_rfc3339(from_rfc3339(text)))
    except (ValueError, OverflowError) as error:
        raise InvalidAsOf(text) from error
