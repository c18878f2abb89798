"""The hash chain, which shows whether the log was changed."""

import hashlib
import re
from typing import NamedTuple

import orjson

from stackfold.domain.errors import Invalid

BEGINNING = b"\0" * 32
"""The hash before the first event."""


class Record(NamedTuple):
    """An event as the log stores it."""

    position: int
    """Counts from 1 without gaps."""
    change: int
    """The position of the first event of the same commit."""
    recorded_at: str
    """The time of recording, RFC 3339 in UTC with microseconds, which never runs backwards."""
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
    """The hash of an event, over the previous hash and all columns of the event.

    sha256(previous hash ‖ JSON array of the columns, no spaces ‖ state). Since an array marks its
    end, two different events never have the same input.
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


class Checkpoint(NamedTuple):
    """How far the log was read: a position, and the hash of the event at it."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


START = Checkpoint(0, BEGINNING)
"""The checkpoint before the first event."""


def parse_head(text: str) -> Checkpoint:
    """The checkpoint that a text "POSITION:HASH" means.

    Raises:
        Invalid: The text has another format.
    """
    match = re.fullmatch(r"#?(\d{1,18}):([0-9a-fA-F]{64})", text.strip())
    if not match:
        raise Invalid(f"{text!r:.100} is not a head: give POSITION:HASH")
    return Checkpoint(int(match[1]), bytes.fromhex(match[2]))


def select_head(*further: str) -> str:
    """A statement that selects the end of the log.

    Args:
        *further: SQL for further columns.
    """
    columns = ", ".join(("position", "recorded_at", "hash", *further))
    return f"SELECT {columns} FROM events ORDER BY position DESC LIMIT 1"
