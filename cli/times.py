"""Formats times and durations for people."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stackfold.domain.rfc3339 import from_rfc3339, to_the_second

TIMES = frozenset({"when", "started", "ended", "created", "updated", "duration"})
"""Columns of times, which say nothing if they are truncated."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_WEEK = 7 * _DAY


def shown_time(text: str) -> str:
    """Format a recorded time: relative to now on a terminal, else to the second.

    Any other text is unchanged.
    """
    exact = to_the_second(text)
    if exact == text or not sys.stdout.isatty():
        return exact
    return _relative(from_rfc3339(text), datetime.now(UTC)) or exact


def dated(text: str) -> str:
    """Format a recorded time in a description: on a terminal to the second, and relative to now.

    Elsewhere it is exact. Any other text is unchanged.
    """
    exact = to_the_second(text)
    if exact == text or not sys.stdout.isatty():
        return text
    age = _relative(from_rfc3339(text), datetime.now(UTC))
    return f"{exact} ({age})" if age.endswith("ago") else exact


def _relative(time: datetime, now: datetime) -> str:
    """Format a past time, such as `5 min ago`, or the date if it is a week ago; else empty."""
    seconds = (now - time).total_seconds()
    if seconds < 0:
        return ""
    if seconds >= _WEEK:
        return time.date().isoformat()
    for length, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds)} s ago"


def took(record: Mapping[str, Any]) -> str:
    """Format the duration of a run or step; of a running one, the time since its start.

    It is empty if the record has no end, and for a cached step, which executes nothing.
    """
    started, ended, status = record["started"], record["ended"], record["status"]
    if not started or status == "cached" or not (ended or status == "running"):
        return ""
    end = from_rfc3339(ended) if ended else datetime.now(UTC)
    return duration(max(0.0, (end - from_rfc3339(started)).total_seconds()))


def seconds_since(text: str) -> float:
    """Return the seconds since a recorded time; 0.0 if it is in the future."""
    return max(0.0, (datetime.now(UTC) - from_rfc3339(text)).total_seconds())


def duration(seconds: float) -> str:
    """Format seconds: 0.02 s, 3.4 s, 2 min 5 s, 1 h 3 min."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
