"""Events to stored bytes and back; topics resolve through the table here, never by import path."""

import importlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from pydantic import BaseModel, ValidationError

from stackfold.domain.errors import UnreadableEvent, Unrecordable
from stackfold.domain.eventsourcing.aggregate import DomainEvent

_AGGREGATES = {
    "activation": ("stackfold.domain.stacks.activation", "Activation"),
    "component": ("stackfold.domain.stacks.component", "Component"),
    "deployment": ("stackfold.domain.deployments.deployment", "Deployment"),
    "flavor": ("stackfold.domain.stacks.flavor", "Flavor"),
    "run": ("stackfold.domain.runs.run", "Run"),
    "stack": ("stackfold.domain.stacks.stack", "Stack"),
}
"""First word of a topic → the module and the aggregate that its events belong to."""

_IN_COLUMNS = {"originator_id", "originator_version"}
_VERSION = "class_version"
"""The field that tells which version of its class an event is of; it is left out for version 1."""
_TOO_NEW = "a newer version of Stackfold wrote it"


class EventMapper(Mapper[UUID]):
    """Stores an event as canonical JSON: sorted keys, no spaces, UTF-8."""

    def __init__(self) -> None:
        """Nothing to configure: the format is the log's."""
        super().__init__(JSONTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """The event as the log keeps it.

        Raises:
            Unrecordable: JSON has no words for something in it.
        """
        event: DomainEvent = domain_event
        state = {name: value for name, value in vars(event).items() if name not in _IN_COLUMNS}
        if event.undoes is None:
            del state["undoes"]
        if event.class_version > 1:
            state[_VERSION] = event.class_version
        return StoredEvent(
            originator_id=event.originator_id,
            originator_version=event.originator_version,
            topic=event.TOPIC,
            state=_canonical(event.TOPIC, state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The event that was stored.

        Raises:
            UnreadableEvent: Its topic is unknown, or its bytes do not fit its class.
        """
        return loaded(
            stored_event.topic,
            stored_event.originator_id,
            stored_event.originator_version,
            stored_event.state,
        )


def loaded(topic: str, id: UUID | str, version: int, state: bytes) -> Any:
    """The event that these columns hold; raises as `EventMapper.to_domain_event`."""
    event_class = event_classes(topic.partition(".")[0]).get(topic)
    if event_class is None:
        raise UnreadableEvent(topic, _TOO_NEW)
    try:
        fields = orjson.loads(state)
        fields["originator_id"] = id
        fields["originator_version"] = version
        if _VERSION in fields or event_class.class_version > 1:
            _upcast(event_class, fields)
        return event_class.model_validate(fields)
    except (ValidationError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise UnreadableEvent(topic, "it was damaged") from error


@cache
def event_classes(aggregate: str) -> Mapping[str, type[DomainEvent]]:
    """Topic → event class, for the aggregate of that topic; empty for an unknown one."""
    if aggregate not in _AGGREGATES:
        return {}
    module, name = _AGGREGATES[aggregate]
    members = vars(getattr(importlib.import_module(module), name)).values()
    return {
        member.TOPIC: member
        for member in members
        if isinstance(member, type) and issubclass(member, DomainEvent) and "TOPIC" in vars(member)
    }


def _upcast(event_class: type[DomainEvent], state: dict[str, Any]) -> None:
    """Make the fields of an older version of an event class those of today's."""
    stored = state.pop(_VERSION, 1)
    if stored > event_class.class_version:
        raise UnreadableEvent(event_class.TOPIC, _TOO_NEW)
    for version in range(stored, event_class.class_version):
        getattr(event_class, f"upcast_v{version}_v{version + 1}")(state)


_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def _canonical(topic: str, state: dict[str, Any]) -> bytes:
    try:
        text = orjson.dumps(state, default=_plain, option=_CANONICAL)
    except orjson.JSONEncodeError as error:
        # Half a character, as in a file name of another encoding, or an integer of over 64 bits.
        raise Unrecordable(topic, str(error)) from None
    empty = sum(value is None for value in state.values())
    if text.count(b"null") != empty and not _finite(state):
        # orjson would write null for it.
        raise Unrecordable(topic, "JSON has no infinite numbers")
    return text


def _finite(value: Any) -> bool:
    match value:
        case float():
            return isfinite(value)
        case dict():
            return all(map(_finite, value.values()))
        case list() | tuple():
            return all(map(_finite, value))
        case BaseModel():
            return _finite(vars(value))
    return True


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case BaseModel():
            return vars(value)
    raise TypeError(f"{type(value).__name__} is no part of an event")
