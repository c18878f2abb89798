"""Times as text: RFC 3339 in UTC with microseconds, so that texts sort as the times do."""

from datetime import UTC, datetime

_LENGTH = len("2026-01-31T12:00:00.000000Z")


def to_rfc3339(time: datetime) -> str:
    """A time as text, such as `2026-01-31T12:00:00.000000Z`; without an offset it is UTC."""
    if time.tzinfo is not UTC:
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> datetime:
    """The time that a text gives; without an offset it is UTC, and a date is its midnight.

    Raises:
        ValueError: The text is neither a time nor a date.
    """
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def to_the_second(text: str) -> str:
    """A text of `to_rfc3339` without its fraction of a second; any other text unchanged."""
    is_time = len(text) == _LENGTH and text[10] == "T" and text[-1] == "Z" and text[19] == "."
    return f"{text[:19]}Z" if is_time else text
