"""Remembers how far the log was verified, in a file of the home.

The file is outside of the log's database, so a change to the log there does not change it too. It
contains a head, so that one read detects a log that differs from the verified one.
"""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from stackfold.application.history.views import LastVerified
from stackfold.domain.errors import Invalid
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.hash_chain import parse_head
from stackfold.infrastructure.system.drafts import replace_file

_FILE = "verified"


def remember(home: Path, head: str) -> None:
    """Record that the log is intact up to a head; a home that cannot be written stays as it is."""
    with suppress(OSError):
        replace_file(home / _FILE, f"{head} {to_rfc3339(datetime.now(UTC))}\n")


def last_verified(home: Path, database: Database) -> LastVerified | None:
    """Return what was recorded last; None if the log was never verified from this home."""
    try:
        head, _, when = (home / _FILE).read_text(encoding="ascii").strip().partition(" ")
        position, digest = parse_head(head)
    except (OSError, ValueError, Invalid):
        return None
    rows = database.read("SELECT hash FROM events WHERE position = ?", (position,))
    return LastVerified(position, when, [bytes(hash) for (hash,) in rows] == [digest])
