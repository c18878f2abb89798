"""Stores how far each reaction has come, and on which events it failed."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from stackfold.application.reactions.views import FailedDelivery, ReactionView
from stackfold.domain.errors import NotFound
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.infrastructure.database import reaction_tables
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.eventstore.hash_chain import Checkpoint, parse_head

RETRYING, PARKED, SKIPPED = "retrying", "parked", "skipped"

_FIND = {
    True: "SELECT 1 FROM pg_tables WHERE tablename = ? AND schemaname = current_schema()",
    False: "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
}
"""Whether the log is shared → a SELECT that yields a row if there is a table of a name."""
_FAILURE = "position, status, attempts, due, error"


class Failure(NamedTuple):
    """An event on which a reaction failed."""

    position: int
    status: str
    attempts: int
    due: int
    """When it is retried, in milliseconds since 1970."""
    error: str


def milliseconds(later: float = 0.0) -> int:
    """The time after some seconds, in milliseconds since 1970."""
    return int((time.time() + later) * 1000)


class ReactionStore:
    """The state of all reactions on a log, in the database of the log."""

    def __init__(self, database: Database) -> None:
        """Use the database of the log."""
        self._database = database

    @property
    def exists(self) -> bool:
        """Whether the tables exist."""
        found = self._database.read(_FIND[self._database.shared], (reaction_tables.NAMES[-1],))
        return bool(found)

    def begin(self, name: str, topics: Sequence[str], start: Checkpoint) -> Checkpoint:
        """The checkpoint of a reaction; a new one is registered at `start`.

        Args:
            name: The reaction.
            topics: The topics of its events, by which its lag is counted.
            start: Where a new one begins.
        """
        with self._database.write() as cursor:
            if not self.exists:
                for statement in reaction_tables.CREATE:
                    cursor.execute(statement)
            cursor.execute(
                "INSERT INTO reactions VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET topics = excluded.topics",
                (name, str(start), json.dumps([*topics]), milliseconds()),
            )
            rows = cursor.execute("SELECT head FROM reactions WHERE name = ?", (name,)).fetchall()
        return parse_head(rows[0][0])

    def advance(
        self,
        name: str,
        before: Checkpoint,
        after: Checkpoint,
        failure: Failure | None = None,
    ) -> bool:
        """Move the checkpoint of a reaction.

        Args:
            name: The reaction.
            before: Its checkpoint.
            after: The next one.
            failure: The failure of the event at `after`; None removes what was recorded of it.

        Returns:
            False if the checkpoint is another one: another worker has the turn, or it was reset.
        """
        with self._database.write() as cursor:
            cursor.execute(
                "UPDATE reactions SET head = ?, updated = ? WHERE name = ? AND head = ?",
                (str(after), milliseconds(), name, str(before)),
            )
            if cursor.rowcount != 1:
                return False
            if failure is None:
                self.forget(name, after.position)
            else:
                self.record(name, failure)
        return True

    def reset(self, name: str, to: Checkpoint) -> None:
        """Set the checkpoint of a reaction, and forget its failures.

        Raises:
            NotFound: It was never run.
        """
        self.must_exist(name)
        with self._database.write() as cursor:
            cursor.execute(
                "UPDATE reactions SET head = ?, updated = ? WHERE name = ?",
                (str(to), milliseconds(), name),
            )
            cursor.execute("DELETE FROM reaction_failures WHERE reaction = ?", (name,))

    # -- failures

    def failure(self, name: str, position: int) -> Failure | None:
        """What is recorded of an event on which a reaction failed."""
        rows = self._database.read(
            f"SELECT {_FAILURE} FROM reaction_failures WHERE reaction = ? AND position = ?",
            (name, position),
        )
        return Failure._make(rows[0]) if rows else None

    def retried(self, name: str, upto: int) -> Sequence[Failure]:
        """The events up to a position that are to be retried, the next one first."""
        rows = self._database.read(
            f"SELECT {_FAILURE} FROM reaction_failures WHERE reaction = ? AND position <= ? "
            "AND status = ? ORDER BY due, position LIMIT 100",
            (name, upto, RETRYING),
        )
        return [*map(Failure._make, rows)]

    def record(self, name: str, failure: Failure) -> None:
        """Record that a reaction failed on an event."""
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO reaction_failures VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (reaction, position) DO UPDATE SET status = excluded.status, "
                "attempts = excluded.attempts, due = excluded.due, error = excluded.error",
                (name, *failure),
            )

    def forget(self, name: str, position: int) -> None:
        """Remove what is recorded of an event."""
        with self._database.write() as cursor:
            cursor.execute(
                "DELETE FROM reaction_failures WHERE reaction = ? AND position = ?",
                (name, position),
            )

    def retry(self, name: str, positions: Sequence[int]) -> int:
        """Let the worker handle failed events now, with all attempts left.

        Args:
            name: The reaction.
            positions: The positions of the events; none for all that are parked.

        Returns:
            Their number.

        Raises:
            NotFound: The reaction was never run, or did not fail on one of the events.
        """
        with self._found(name, positions, (PARKED, RETRYING)) as (cursor, found):
            for position in found:
                cursor.execute(
                    "UPDATE reaction_failures SET status = ?, attempts = 0, due = ? "
                    "WHERE reaction = ? AND position = ?",
                    (RETRYING, milliseconds(), name, position),
                )
        return len(found)

    def skip(self, name: str, positions: Sequence[int]) -> int:
        """Give up failed events; as `retry`."""
        with self._found(name, positions, (PARKED, RETRYING, SKIPPED)) as (cursor, found):
            rows = cursor.execute("SELECT head FROM reactions WHERE name = ?", (name,)).fetchall()
            done = parse_head(rows[0][0]).position
            for position in found:
                if position <= done:
                    self.forget(name, position)
                else:  # the worker waits for it, and notices
                    cursor.execute(
                        "UPDATE reaction_failures SET status = ? "
                        "WHERE reaction = ? AND position = ?",
                        (SKIPPED, name, position),
                    )
        return len(found)

    # -- views

    def must_exist(self, name: str) -> None:
        """Check that a reaction was run.

        Raises:
            NotFound: It was never run.
        """
        sql = "SELECT 1 FROM reactions WHERE name = ?"
        if not self.exists or not self._database.read(sql, (name,)):
            raise NotFound("reaction", name, "it was never run on this log")

    def views(self) -> Sequence[ReactionView]:
        """All reactions by name, none of them as running."""
        if not self.exists:
            return []
        rows = self._database.read(
            "SELECT name, head, topics, updated, "
            "(SELECT count(*) FROM reaction_failures WHERE reaction = name AND status <> ?), "
            "(SELECT count(*) FROM reaction_failures WHERE reaction = name AND status = ?) "
            "FROM reactions ORDER BY name",
            (PARKED, PARKED),
        )
        return [
            ReactionView(
                name, parse_head(head).position, head, self._lag(head, json.loads(topics)),
                retrying, parked, False, _time(updated),
            )
            for name, head, topics, updated, retrying, parked in rows
        ]  # fmt: skip

    def failed(self, name: str | None) -> Sequence[FailedDelivery]:
        """The events on which a reaction failed, or all did."""
        if not self.exists:
            return []
        rows = self._database.read(
            "SELECT reaction, f.position, topic, status, attempts, due, error "
            "FROM reaction_failures AS f LEFT JOIN events AS e ON e.position = f.position "
            f"{'WHERE reaction = ? ' if name else ''}ORDER BY reaction, f.position",
            (name,) if name else (),
        )
        return [
            FailedDelivery(reaction, position, topic or "", status, attempts, _time(due), error)
            for reaction, position, topic, status, attempts, due, error in rows
        ]

    def _lag(self, head: str, topics: Sequence[str]) -> int:
        wanted = f" AND topic IN ({', '.join('?' for _ in topics)})" if topics else ""
        ((count,),) = self._database.read(
            f"SELECT count(*) FROM events WHERE position > ?{wanted}",
            (parse_head(head).position, *topics),
        )
        return int(count)

    @contextmanager
    def _found(
        self, name: str, positions: Sequence[int], status: Sequence[str]
    ) -> Iterator[tuple[Cursor, list[int]]]:
        self.must_exist(name)
        with self._database.write() as cursor:
            rows = cursor.execute(
                "SELECT position, status FROM reaction_failures WHERE reaction = ?", (name,)
            ).fetchall()
            failed = {position for position, found in rows if found in status}
            parked = [position for position, found in rows if found == PARKED]
            for position in positions:
                if position not in failed:
                    hint = f"the reaction {name!r} did not fail on it"
                    raise NotFound("failed delivery", f"#{position}", hint)
            yield cursor, [*dict.fromkeys(positions)] or parked


def _time(value: int) -> str:
    return to_rfc3339(datetime.fromtimestamp(value / 1000, UTC))
