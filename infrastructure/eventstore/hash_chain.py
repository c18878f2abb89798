"""The hash chain that shows whether the log is still as it was written."""

import hashlib
from typing import NamedTuple

import orjson

BEGINNING = b"\0" * 32
"""What the first event is chained to."""


class Record(NamedTuple):
    """An event as the log keeps it."""

    position: int
    """Its place in the log, counted from 1 without gaps."""
    change: int
    """The position of the first event that was committed together with it."""
    recorded_at: str
    """The log's own time, RFC 3339 in UTC with microseconds; it never runs backwards."""
    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    """The event's canonical JSON."""
    hash: bytes


COLUMNS = ", ".join(Record._fields)


def chained(
    previous: bytes,
    position: int,
    change: int,
    recorded_at: str,
    originator_id: str,
    originator_version: int,
    topic: str,
    state: bytes,
) -> bytes:
    """The hash of an event, over the hash before it and all that is stored of the event.

    sha256(previous hash ‖ JSON array of the columns, no spaces ‖ state). An array tells where it
    ends, so no two different events read the same.
    """
    columns = orjson.dumps(
        (position, change, recorded_at, originator_id, originator_version, topic)
    )
    return hashlib.sha256(previous + columns + state).digest()


class Head(NamedTuple):
    """The end of the log; position 0 when it is empty."""

    position: int
    recorded_at: str
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


def select_head(clock: str = "NULL") -> str:
    """The statement that selects the end of the log, and what an expression for the time yields."""
    return f"SELECT position, recorded_at, hash, {clock} FROM events ORDER BY position DESC LIMIT 1"
