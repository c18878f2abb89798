"""The log index: author, kind and name of every event, so that filters of the log use an index."""

import json
from typing import NamedTuple

from stackfold.application.eventsourcing.projection import Row, Table
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.domain.eventsourcing.topics import aggregate_topic


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
    # Not "log_index", as in schema version 6: processes of that version that have the file open
    # can no longer write, and so not bypass policies.
    "log_entries",
    IndexEntry,
    primary_key=("position",),
    position="position",
    # Authors and kinds are few, so an index of them would save little; each costs every event.
    indexes=(("name", "position"),),
)

FIRST_NAME = (
    "SELECT name FROM log_entries WHERE position = (SELECT min(position) FROM events "
    "WHERE originator_id = ? AND originator_version = 1)"
)
"""Selects the name of an aggregate without revisions in a read model: that of its first event."""

NAME_BEFORE = (
    "SELECT name FROM log_entries WHERE position = (SELECT max(position) FROM events "
    "WHERE originator_id = ? AND originator_version = ?)"
)
"""Selects the name in the entry of a revision of an aggregate."""


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
    kind = aggregate_topic(event.TOPIC)
    return IndexEntry(position, author_of(event), kind, name or str(event.originator_id))


def package_entry(position: int, topic: str, id: str, state: bytes, name: str | None) -> IndexEntry:
    """The entry of an event of another package, which is the same without that package.

    Args:
        position: The position of the event.
        topic: The topic of the event.
        id: The aggregate's id.
        state: The event's JSON. If it has a text `name`, that is the name from then on.
        name: The name in the entry before it of the aggregate; None for the first event.
    """
    try:
        found = json.loads(state)
    except ValueError:
        found = None
    fields = found if isinstance(found, dict) else {}
    by, named = fields.get("by"), fields.get("name")
    return IndexEntry(
        position,
        by if isinstance(by, str) else "",
        aggregate_topic(topic),
        named if isinstance(named, str) else name or id,
    )


def author_of(event: DomainEvent) -> str:
    """The author of an event; empty for an event without metadata."""
    return event.event_metadata.by if event.event_metadata else ""
