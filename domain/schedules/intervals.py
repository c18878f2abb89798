"""Intervals of schedules, as seconds and as text."""

from stackfold.domain.errors import InvalidSchedule

LEAST_INTERVAL = 1
"""Seconds of the shortest interval."""
LONGEST_INTERVAL = 366 * 86400
"""Seconds of the longest interval."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds_of(text: str) -> int:
    """Parse an interval, such as "90s", "15m", "6h", "1d" or "2w".

    Raises:
        InvalidSchedule: It is no interval.
    """
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) < 10 and unit in _UNITS):
        example = "give a number and a unit, such as 15m, 6h or 1d"
        raise InvalidSchedule(f"the interval {text!r:.60}", f"is not valid: {example}")
    return valid_interval(int(number) * _UNITS[unit])


def valid_interval(seconds: int) -> int:
    """Return an interval.

    Raises:
        InvalidSchedule: It is too short or too long.
    """
    if not LEAST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        raise InvalidSchedule(f"an interval of {seconds} s", "is not between 1 s and 366 days")
    return seconds


def interval_text(seconds: int) -> str:
    """An interval as `seconds_of` parses it, such as "15m"."""
    unit = next(unit for unit in "wdhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
