"""Runs one reaction: hands it each event, retries what fails, and parks what keeps failing."""

import random
import time
from collections.abc import Callable, Iterator

from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.reactions.reaction import Reaction
from stackfold.domain.errors import (
    ChangeElsewhere,
    LogDiverged,
    LogUnavailable,
    PermissionDenied,
    ReactionDiverged,
    RunBusy,
)
from stackfold.infrastructure.database.protocol import Database, NewEvents
from stackfold.infrastructure.eventstore.hash_chain import COLUMNS, START, Checkpoint, Record
from stackfold.infrastructure.eventstore.log_pages import LogPages
from stackfold.infrastructure.eventstore.records import head
from stackfold.infrastructure.reactions.attempts import Attempts, Failed
from stackfold.infrastructure.reactions.claim_ids import claim_of
from stackfold.infrastructure.reactions.reaction_store import (
    PARKED,
    RETRYING,
    SKIPPED,
    Failure,
    ReactionStore,
    milliseconds,
)

_PAGE = 200
_SLICE = 0.25
"""Seconds after which a worker that was stopped by another thread ends."""
_LONGEST = 5.0
"""Seconds between two reads, even without a notification."""
_IDLE = 1.0
"""Seconds between two saves of a checkpoint that moves without a delivery."""
_PATIENCE = 10
"""How often in a row the log may be unavailable."""
_INTERRUPTED = "its worker ended while it handled the event"


class _TurnLost(Exception):
    """Another worker moved the checkpoint, or it was reset."""


class ReactionWorker:
    """Runs one reaction while it has the turn."""

    def __init__(
        self,
        database: Database,
        claims: Claims,
        reaction: Reaction,
        attempts: Attempts,
        is_stopped: Callable[[], bool],
    ) -> None:
        """Create a worker.

        Args:
            database: Holds the log and the state of reactions.
            claims: Ensures that only one worker runs the reaction.
            reaction: The reaction.
            attempts: Calls its handler.
            is_stopped: Whether the worker is to end before the next event.
        """
        self._database, self._claims, self._reaction = database, claims, reaction
        self._attempts, self._is_stopped = attempts, is_stopped
        self._store = ReactionStore(database)
        self._pages = LogPages(database, reaction.topics)
        self._name = reaction.name
        self._at = self._saved = START
        self._saved_at = 0.0
        self._problems = 0
        """How often in a row the log was unavailable."""
        self._is_first = True
        """Whether the next event is the first one of this turn, which may have ended a process."""

    def run(self, timeout: float, from_start: bool) -> None:
        """Handle events until none arrives in time, or until the worker is stopped.

        Args:
            timeout: Seconds to wait for the next event, or for the turn; infinite for no limit.
            from_start: Whether a reaction that was never run begins with the first event.

        Raises:
            ReactionDiverged: The log does not continue from the checkpoint.
            LogUnavailable: The log cannot be used for several minutes.
        """
        start = START
        if not from_start:
            now = head(self._database)
            start = Checkpoint(now.position, now.hash)
        self._at = self._saved = self._store.begin(self._name, self._reaction.topics, start)
        end = time.monotonic() + timeout
        while not self._is_stopped():
            try:
                with self._claims.claim(claim_of(self._name), self._name):
                    self._take_turn(timeout)
                    return
            except RunBusy:  # another worker has the turn
                if not self._pause(min(2 * _SLICE, end - time.monotonic())):
                    return
            except _TurnLost:
                self._attempts.log_lost_turn()
            except (LogUnavailable, ChangeElsewhere) as error:
                self._problems += 1
                if isinstance(error, PermissionDenied) or self._problems > _PATIENCE:
                    raise
                self._attempts.log_unavailable(error)
                self._pause(min(30.0, 0.25 * 2**self._problems))

    def _take_turn(self, timeout: float) -> None:
        self._at = self._saved = self._store.begin(self._name, self._reaction.topics, START)
        self._is_first = True
        with self._database.new_events() as arrivals:
            end = time.monotonic() + timeout
            while not self._is_stopped():
                arrivals.renew()
                if self._work():
                    end = time.monotonic() + timeout
                elif not self._wait(arrivals, end):
                    break
        self._save()

    def _work(self) -> bool:
        """Handle the next events; whether there were any."""
        try:
            page = self._pages.read(self._at, _PAGE)
        except LogDiverged as error:
            raise ReactionDiverged(self._name, error.checkpoint, error.problem) from error
        retried = self._retry()
        self._problems = 0
        for record in page.records:
            if self._is_stopped():
                return True
            self._handle(record)
        if page.end != self._at and not self._is_stopped():
            self._at = page.end
        if self._at != self._saved and time.monotonic() > self._saved_at + _IDLE:
            self._save()
        return bool(page.records) or retried

    # -- one event in its order

    def _handle(self, record: Record) -> None:
        """Handle the next event: it is done, parked, or put aside when this returns.

        It returns earlier if the worker is stopped.
        """
        after = Checkpoint(record.position, record.hash)
        found = self._store.failure(self._name, record.position) if self._is_first else None
        attempts = found.attempts if found else 0
        if found:
            found = self._await(found)
            attempts = found.attempts if found else 0
        while not self._is_stopped():
            if found and found.status == SKIPPED:
                self._advance(after)
                return
            if found and attempts >= self._reaction.retries.attempts:
                self._park(after, record, Failed(found.error), attempts)
                return
            outcome = self._attempt(record, attempts)
            if outcome is None:
                self._advance(after)
                return
            attempts += not outcome.postponed
            if outcome.permanent or attempts >= self._reaction.retries.attempts:
                self._park(after, record, outcome, attempts)
                return
            failure = self._failure(record, outcome, attempts)
            if not self._reaction.ordered:
                self._advance(after, failure)
                return
            self._save()
            self._store.record(self._name, failure)
            found = self._await(failure)
            attempts = found.attempts if found else 0

    def _attempt(self, record: Record, attempts: int) -> Failed | None:
        """Call the handler; the first call of a turn is recorded before it is made.

        If an event ends the process, it is the first one of the next worker. So it is parked in
        the end, and each further event costs nothing.
        """
        if self._is_first:
            self._save()
            mark = Failure(record.position, RETRYING, attempts + 1, milliseconds(), _INTERRUPTED)
            self._store.record(self._name, mark)
            self._is_first = False
        return self._attempts.call(record, attempts + 1)

    def _failure(self, record: Record, outcome: Failed, attempts: int) -> Failure:
        delay = outcome.postponed or self._reaction.retries.delay(attempts, random.random())  # noqa: S311
        self._attempts.log_retry(record, outcome, attempts, delay)
        return Failure(record.position, RETRYING, attempts, milliseconds(delay), outcome.problem)

    def _park(self, after: Checkpoint, record: Record, outcome: Failed, attempts: int) -> None:
        self._attempts.log_parking(record, outcome, attempts)
        failure = Failure(record.position, PARKED, attempts, milliseconds(), outcome.problem)
        self._advance(after, failure)

    # -- events that were put aside, or are to be retried by command

    def _retry(self) -> bool:
        """Retry what is due; whether there was anything."""
        done = False
        for failure in self._store.retried(self._name, self._at.position):
            if self._is_stopped() or not self._is_due(failure):
                break
            record = self._record(failure.position)
            if record is None:
                self._store.forget(self._name, failure.position)
                continue
            done = True
            # Recorded before the call, which may end the process.
            again = milliseconds(self._reaction.retries.delay(failure.attempts + 1, 1))
            marked = failure._replace(attempts=failure.attempts + 1, due=again)
            self._store.record(self._name, marked)
            outcome = self._attempts.call(record, marked.attempts)
            if outcome is None:
                self._store.forget(self._name, failure.position)
                continue
            attempts = failure.attempts if outcome.postponed else marked.attempts
            if outcome.permanent or attempts >= self._reaction.retries.attempts:
                self._attempts.log_parking(record, outcome, attempts)
                parked = marked._replace(status=PARKED, error=outcome.problem)
                self._store.record(self._name, parked)
            else:
                self._store.record(self._name, self._failure(record, outcome, attempts))
        return done

    def _is_due(self, failure: Failure) -> bool:
        left = failure.due - milliseconds()
        # The clock may have been set back.
        return left <= 0 or left > 1000 * max(self._reaction.retries.longest, 60)

    def _record(self, position: int) -> Record | None:
        rows = self._database.read(f"SELECT {COLUMNS} FROM events WHERE position = ?", (position,))
        return Record._make(rows[0]) if rows else None

    # -- checkpoint

    def _advance(self, after: Checkpoint, failure: Failure | None = None) -> None:
        if not self._store.advance(self._name, self._saved, after, failure):
            raise _TurnLost
        self._at = self._saved = after
        self._saved_at = time.monotonic()

    def _save(self) -> None:
        """Save the checkpoint if it moved, beyond events that the reaction is not for."""
        if self._at != self._saved:
            self._advance(self._at)

    # -- waiting

    def _wait(self, arrivals: NewEvents, end: float) -> bool:
        """Wait for new events; False at the end of the time, or when the worker is stopped."""
        again = time.monotonic() + self._next_retry()
        while not self._is_stopped():
            now = time.monotonic()
            if now >= end:
                return False
            if now >= again or arrivals.wait(min(_SLICE, end - now, again - now)):
                return True
        return False

    def _next_retry(self) -> float:
        """Seconds until there is something to do without new events."""
        if self._at != self._saved:
            return _IDLE
        for failure in self._store.retried(self._name, self._at.position):
            return min(max((failure.due - milliseconds()) / 1000, 0.01), _LONGEST)
        return _LONGEST

    def _await(self, failure: Failure) -> Failure | None:
        """Wait until a failed event is due, or is skipped or retried by command."""
        longest = max(self._reaction.retries.longest, 60)
        end = time.monotonic() + min((failure.due - milliseconds()) / 1000, longest)
        found: Failure | None = failure
        for _ in self._slices(end):
            found = self._store.failure(self._name, failure.position)
            if found is None or found.status == SKIPPED or found.attempts < failure.attempts:
                break
        return found

    def _slices(self, end: float) -> Iterator[None]:
        while not self._is_stopped() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE))
            yield

    def _pause(self, seconds: float) -> bool:
        """Wait; False if there is no time, or the worker was stopped."""
        if seconds <= 0:
            return False
        for _ in self._slices(time.monotonic() + seconds):
            pass
        return not self._is_stopped()
