"""The log index: author, kind and name of every event, so that filters of the log use an index."""

from typing import NamedTuple

from stackfold.application.eventsourcing.projection import Row, Table
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.domain.eventsourcing.event import DomainEvent


class IndexEntry(NamedTuple):
    """A row of the log index."""

    position: int
    by: str
    """The author of the event."""
    kind: str
    """What the event changed: "stack", a component type, "flavor", "run" and so on."""
    name: str
    """Its name after the event, or its last name if the event deleted it."""


LOG_INDEX = Table(
    "log_index",
    IndexEntry,
    primary_key=("position",),
    position="position",
    indexes=(("by", "position"), ("kind", "position"), ("name", "position")),
)

FIRST_NAME = (
    "SELECT name FROM log_index WHERE position = (SELECT min(position) FROM events "
    "WHERE originator_id = ? AND originator_version = 1)"
)
"""Selects the name of an aggregate without revisions in a read model: that of its first event."""


def revision_entry(position: int, event: DomainEvent, model: ReadModel, row: Row) -> IndexEntry:
    """The entry of an event of an aggregate with a row per revision.

    Args:
        position: The position of the event.
        event: The event.
        model: The read model of the aggregate.
        row: The row after the event, or the row that the event ended.
    """
    kind = getattr(row, model.kind) if model.kind else model.topic
    return IndexEntry(position, author_of(event), kind, getattr(row, model.name))


def fact_entry(position: int, event: DomainEvent, name: str | None) -> IndexEntry:
    """The entry of an event of an aggregate without a row per revision.

    Args:
        position: The position of the event.
        event: The event.
        name: The name in the first event of the aggregate; None for its id.
    """
    kind = event.TOPIC.partition(".")[0]
    return IndexEntry(position, author_of(event), kind, name or str(event.originator_id))


def author_of(event: DomainEvent) -> str:
    """The author of an event; empty for an event without metadata."""
    return event.event_metadata.by if event.event_metadata else ""
