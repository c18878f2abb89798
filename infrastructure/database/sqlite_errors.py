"""The errors of SQLite, in terms of what users can do about them."""

import re
import sqlite3

from stackfold.domain.errors import LogUnavailable, ReadModelDamaged

_PROBLEMS = (
    ("locked", "is locked by another process: try again when that has ended"),
    ("busy", "is locked by another process: try again when that has ended"),
    ("readonly", "is read-only: make it writable or set STACKFOLD_HOME to another folder"),
    ("unable to open", "cannot be opened: check that the folder exists and is writable"),
    ("full", "cannot grow, the disk is full: free some space and try again"),
    ("disk i/o", "cannot be read or written, the disk reports an error: check the disk"),
    ("not a database", "is not a Stackfold log: restore it from a backup or move it away"),
    ("malformed", "is damaged: copy it with `stackfold log fork`, or restore it from a backup"),
    ("no such table", "is damaged: restore it from a backup or move it away"),
    ("no such column", "is damaged: restore it from a backup or move it away"),
)

_OF_EVENTS = {"recorded_at", "originator_id", "topic"}
"""The columns of the events that hold text."""


class plain_words:
    """Turns errors of SQLite in the block into errors that say what to do."""

    # Not a generator, which would take ten times as long around every transaction.
    def __init__(self, location: str) -> None:
        self._location = location

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate an error of SQLite, except a violated constraint."""
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise explained(error, self._location) from error


def explained(error: sqlite3.Error, location: str) -> LogUnavailable | ReadModelDamaged:
    """The error that says what to do about an error of SQLite."""
    text = str(error).lower()
    damaged = re.search(r"no such table: (?:main\.)?(\w+)|utf-8 column '(\w+)'", text)
    if damaged and damaged[1] != "events" and damaged[2] not in _OF_EVENTS:
        return ReadModelDamaged("a read model is missing or damaged")
    known = (words for sign, words in _PROBLEMS if sign in text)
    return LogUnavailable(location, next(known, f"failed: {error}"))
