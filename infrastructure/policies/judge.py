"""Asks the enabled policies about a change, under the write lock, before it is committed."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stackfold.application.eventsourcing.asking import asking
from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.application.policies.queries import AvailablePolicies, Candidate, StoredPolicy
from stackfold.domain.errors import (
    InvalidPolicy,
    PolicyFailed,
    PolicyTooSlow,
    PolicyUnavailable,
    PolicyViolation,
    StackfoldError,
)
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.policies import SqlPolicyQueries

if TYPE_CHECKING:
    from stackfold.application.policies.policy import Collections, Policy, ProposedEvent
    from stackfold.application.stacks.components import Components
    from stackfold.application.stacks.stack_reader import StackReader

Readers = Callable[[], "tuple[StackReader, Components, Collections]"]
"""() → the queries that policies may use."""

_OF_POLICIES = "policy."
"""The begin of the topics of events that change which policies are enabled."""


class PolicyJudge(threading.local):
    """Collects the events of a transaction, and asks the policies about them at its end.

    The recorder uses it under the write lock only. Each thread has its own state, since a server
    releases the lock of a thread whose connection is lost.
    """

    def __init__(self, database: Database, available: AvailablePolicies, readers: Readers) -> None:
        """Create a judge.

        Args:
            database: Holds the log.
            available: The policies that this process has.
            readers: Returns the queries that policies may use.
        """
        self._database = database
        self._enabled = SqlPolicyQueries(database).enabled
        self._available = available
        self._readers = readers
        self._deferred = False
        self._before: Sequence[StoredPolicy] | None = None
        """The policies that were enabled before the transaction; None before its first event."""
        self._first = 0
        self._events: list[tuple[DomainEvent, Any, int]] = []
        """Event, row before it, and position."""

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Ask about everything that is appended in the block at its end, as one change.

        Raises:
            StackfoldError: A policy rejects it.
        """
        if self._deferred:
            yield
            return
        self._begin()
        self._deferred = True
        try:
            yield
            self._decide()
        finally:
            self._deferred = False
            self._begin()

    def appending(self, first: int, governed: bool) -> None:
        """Prepare for events.

        Args:
            first: The position of the first one.
            governed: Whether any policy is enabled.
        """
        if not self._deferred:
            self._begin()
        self._drop(first)
        if self._before is None:
            self._first = first
            self._before = self._enabled() if governed else ()

    def add(self, event: DomainEvent, row: Any, position: int) -> None:
        """Add an event that was inserted.

        Args:
            event: The event.
            row: The row of its aggregate before it.
            position: Its position.
        """
        self._events.append((event, row, position))

    def appended(self, preview: bool) -> None:
        """Ask about the events so far, unless more may follow.

        Raises:
            StackfoldError: A policy rejects them.
        """
        if preview or not self._deferred:
            self._decide()

    def _begin(self) -> None:
        self._before, self._events = None, []

    def _drop(self, first: int) -> None:
        """Drop the events from a position on, which were rolled back."""
        while self._events and self._events[-1][2] >= first:
            self._events.pop()

    def _decide(self) -> None:
        if not self._before and not self._policies_changed():
            return
        if self._deferred:
            ((last,),) = self._database.read("SELECT max(position) FROM events")
            self._drop(int(last) + 1)
        # What is enabled before the change judges it, and what is enabled after it.
        in_force = [*(self._before or ()), *(self._enabled() if self._policies_changed() else ())]
        topics: dict[str, set[str]] = {}
        for policy in in_force:
            topics.setdefault(policy.name, set()).update(policy.topics)
        latest = {policy.name: policy for policy in in_force}
        for name in sorted(topics):
            self._ask(latest[name], topics[name])

    def _policies_changed(self) -> bool:
        return any(event.TOPIC.startswith(_OF_POLICIES) for event, *_ in self._events)

    def _ask(self, stored: StoredPolicy, topics: set[str]) -> None:
        from stackfold.application.policies.policy import (
            ProposedChange,
            ProposedEvent,
            governs,
        )

        events = [ProposedEvent(*each) for each in self._events]
        governed = [each for each in events if governs(topics, each.topic)]
        if not governed:
            return
        policy = self._loaded(stored, governed)
        change = ProposedChange(stored.name, governed, events, self._first - 1, *self._readers())
        unit = UnitOfWork(self, "", policy.timeout, self._database.execute_own)
        started = time.monotonic()
        answer: object = None
        raised: BaseException | None = None
        unit.begin()
        try:
            # The turn is limited in time, in case that the policy waits for a thread that waits
            # for the turn.
            with self._database.reserved(unit), asking(stored.name):
                answer = _call(policy, change)
        except (Exception, SystemExit, GeneratorExit) as error:
            raised = error
        seconds = time.monotonic() - started
        if seconds > policy.timeout:
            raise PolicyTooSlow(stored.name, stored.origin, seconds, policy.timeout) from raised
        if isinstance(raised, StackfoldError):
            if not isinstance(raised, PolicyViolation):  # which names the policy itself
                raised.add_note(f"raised by policy {stored.name!r} of {stored.origin}")
            raise raised
        if raised is not None:
            problem = f"raised {type(raised).__name__}"
            raise PolicyFailed(stored.name, stored.origin, problem) from raised
        if answer is not None:
            problem = f"returned {type(answer).__name__} instead of None"
            raise PolicyFailed(stored.name, stored.origin, problem)

    def _loaded(self, stored: StoredPolicy, governed: "Sequence[ProposedEvent]") -> "Policy":
        cause = None
        problem = f"this process does not have {stored.origin}"
        try:
            candidate = self._available.find(stored.name, stored.package or "")
            if candidate is not None:
                return self._available.load(candidate)
        except InvalidPolicy as error:
            cause, problem = error, error.problem
        topics = sorted({each.topic for each in governed})
        raise PolicyUnavailable(stored.name, stored.origin, topics, problem) from cause


def _call(policy: Callable[[Any], object], change: object) -> object:
    return policy(change)


class NoPolicies:
    """Implements `AvailablePolicies` without any, for logs that are being created."""

    def candidates(self) -> Sequence[Candidate]:
        """None."""
        return ()

    def find(self, name: str, package: str | None = None) -> Candidate | None:
        """None."""
        return None

    def load(self, candidate: Candidate) -> "Policy":
        """Never called: there is no candidate."""
        raise LookupError(candidate.name)

    @staticmethod
    def readers() -> "tuple[StackReader, Components, Collections]":
        """Never called: there is no policy."""
        raise LookupError
