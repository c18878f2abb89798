"""Maps events to stored bytes and back. A topic resolves to a declared class, not to a path."""

from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from pydantic import ValidationError

from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.domain.errors import (
    UnreadableEvent,
    Unrecordable,
)
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.eventsourcing.topics import aggregate_topic, is_prefixed_event
from stackfold.infrastructure.eventstore.canonical_json import event_json, set_fields
from stackfold.infrastructure.eventstore.records import package_in

_APART = {"originator_id", "originator_version", "event_metadata"}
"""The fields of an event that have columns, and its metadata, which is written field by field."""
_VERSION = "class_version"
"""The field with the version of the event's class; omitted for version 1."""
_TOO_NEW = "a newer version of Stackfold wrote it"

_UNDECLARED = (
    "no aggregate type declares it: declare its class in the aggregate and give the aggregate's "
    "type to the workspace"
)
_UNSIGNED = (
    "it has no metadata: save its aggregate through the repository of a workspace, which knows who "
    "acts"
)


class EventMapper(Mapper[UUID]):
    """Stores an event as canonical JSON: sorted keys, no spaces, UTF-8."""

    def __init__(self, aggregates: Aggregates) -> None:
        """Create a mapper.

        Args:
            aggregates: Declare the events.
        """
        super().__init__(JSONTranscoder())
        self._aggregates = aggregates

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """The event as the log stores it.

        Raises:
            Unrecordable: It has no metadata, no aggregate type declares it, or JSON cannot
                represent its data.
        """
        event: DomainEvent = domain_event
        if self._aggregates.event_class(event.TOPIC) is not type(event):
            raise Unrecordable(event.TOPIC, _UNDECLARED)
        if event.event_metadata is None:
            raise Unrecordable(event.TOPIC, _UNSIGNED)
        # Metadata and data are one JSON object, as in the first version of the log.
        state = {name: each for name, each in set_fields(event).items() if name not in _APART}
        state |= {
            name: value
            for name, value in event.event_metadata._asdict().items()
            if value is not None
        }
        if event.class_version > 1:
            state[_VERSION] = event.class_version
        return StoredEvent(
            originator_id=event.originator_id,
            originator_version=event.originator_version,
            topic=event.TOPIC,
            state=event_json(event.TOPIC, state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The event that was stored.

        Raises:
            UnreadableEvent: Its topic is unknown, or its bytes do not match its class.
        """
        return self.load(
            stored_event.topic,
            stored_event.originator_id,
            stored_event.originator_version,
            stored_event.state,
        )

    def load(self, topic: str, id: UUID | str, version: int, state: bytes) -> Any:
        """The event in a row of the log.

        Args:
            topic: Its topic, such as "stack.updated".
            id: The aggregate's id.
            version: The aggregate's revision.
            state: Canonical JSON.

        Raises:
            UnreadableEvent: As for `to_domain_event`.
        """
        event_class = self._aggregates.event_class(topic)
        if event_class is None:
            raise UnreadableEvent(topic, self._unknown(topic, state))
        try:
            fields = orjson.loads(state)
            fields["originator_id"] = id
            fields["originator_version"] = version
            metadata = EventMetadata(
                fields.pop("by"),
                fields.pop("why", ""),
                fields.pop("undoes", None),
                fields.pop("correlation_id", None),
                fields.pop("database_role", None),
                package := fields.pop("package", None),
            )
            if _VERSION in fields or event_class.class_version > 1:
                _upcast(event_class, fields, package)
            event = event_class.model_validate(fields)
            event.stamp(metadata)
            return event
        except (ValidationError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise UnreadableEvent(topic, "it was damaged") from error

    def _unknown(self, topic: str, state: bytes) -> str:
        """Why an event has no class, and what to do."""
        if not is_prefixed_event(topic) or topic.partition(".")[0] in self._aggregates.topics:
            return _TOO_NEW
        aggregate = aggregate_topic(topic)
        package = package_in(state)
        problem = self._aggregates.problem_of(aggregate)
        if problem:
            return f"the aggregate {aggregate!r} cannot be used: {problem}"
        if self._aggregates.type_of(topic):
            of = f"of the package {package!r} " if package else ""
            return f"the installed version {of}does not declare it: install the one that wrote it"
        if package is None:
            return f"no aggregate {aggregate!r} is declared: give its type to the workspace"
        return f"it belongs to the package {package!r}: install it, or declare {aggregate!r}"


def _upcast(event_class: type[DomainEvent], state: dict[str, Any], package: str | None) -> None:
    """Convert the fields of an older version of an event class to those of the current one."""
    stored = state.pop(_VERSION, 1)
    if stored > event_class.class_version:
        newer = f"a newer version of the package {package!r} wrote it: upgrade it"
        raise UnreadableEvent(
            event_class.TOPIC, newer if is_prefixed_event(event_class.TOPIC) else _TOO_NEW
        )
    for version in range(stored, event_class.class_version):
        getattr(event_class, f"upcast_v{version}_v{version + 1}")(state)
