"""Reports to `logging` what was committed, and how long writers waited for the write lock."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic

from stackfold.application.log_records import EVENTS, LOCKS, emit, enabled
from stackfold.domain.errors import StackfoldError
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.infrastructure.eventstore.hash_chain import Record

SLOW_WAIT = 1.0
"""Seconds from which a wait for the write lock is reported."""

Appended = tuple[Record, DomainEvent | None]


class CommitReports:
    """Logs events when they are committed: those of a block, at its end."""

    def __init__(self, has: Callable[[Record], bool]) -> None:
        """Create the reports.

        Args:
            has: Whether the log contains a record; a block may have rolled it back.
        """
        self._has = has
        self._blocks = threading.local()

    def appended(self, records: Sequence[Record], events: Sequence[DomainEvent | None]) -> None:
        """Report events that were appended, at once or at the end of the block of this thread."""
        if not enabled(EVENTS, "DEBUG"):
            return
        pending: list[Appended] | None = getattr(self._blocks, "pending", None)
        if pending is not None:
            pending += zip(records, events, strict=True)
            return
        for record, event in zip(records, events, strict=True):
            _report(record, event)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Report what is appended in the block after it; if it raises, nothing was committed."""
        if getattr(self._blocks, "pending", None) is not None:
            yield
            return
        pending: list[Appended] = []
        self._blocks.pending = pending
        try:
            yield
        finally:
            self._blocks.pending = None
        with suppress(StackfoldError):  # the events are committed, whether or not it is reported
            for record, event in pending:
                if self._has(record):
                    _report(record, event)


def report_wait(began: float) -> None:
    """Report a wait for the write lock, if it was slow.

    Args:
        began: The time at which it began, by `time.monotonic`.
    """
    seconds = round(monotonic() - began, 3)
    if seconds >= SLOW_WAIT:
        text = f"waited {seconds:.1f} s for the write lock"
        emit(LOCKS, "WARNING", text, seconds=seconds)


def _report(record: Record, event: DomainEvent | None) -> None:
    metadata = event.event_metadata if event is not None else None
    name = getattr(event, "name", None)
    what = record.topic if name is None else f"{record.topic} {name!r}"
    emit(
        EVENTS,
        "DEBUG",
        f"#{record.position} {what}",
        topic=record.topic,
        aggregate_id=record.originator_id,
        aggregate_name=name,
        revision=record.originator_version,
        position=record.position,
        change=record.change,
        actor=metadata.by if metadata else None,
        correlation_id=metadata.correlation_id if metadata else None,
    )
