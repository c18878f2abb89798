"""JSON Schemas of events, for programs that read an exported log in another language."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from pydantic import create_model

from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.domain.errors import InvalidFile
from stackfold.domain.eventsourcing.event import DomainEvent

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_COLUMNS = ("originator_id", "originator_version", "event_metadata")
"""Fields of the class that are no part of the recorded state."""

_METADATA: Mapping[str, Mapping[str, Any]] = {
    "by": {"type": "string", "description": "Who made the change."},
    "why": {"type": "string", "description": "The reason they gave; may be empty."},
    "undoes": {
        "type": "integer",
        "minimum": 1,
        "description": "The change that this one takes back: the position of its first event.",
    },
    "correlation_id": {
        "type": "string",
        "description": "Ties the change to others, such as the id of a request.",
    },
    "database_role": {
        "type": "string",
        "description": "The role that the database authenticated.",
    },
    "package": {
        "type": "string",
        "description": "The package that declares the event; absent for those of Stackfold.",
    },
}


class EventSchema(NamedTuple):
    """The JSON Schema of the recorded state of an event, in one version of the event."""

    topic: str
    version: int
    schema: Mapping[str, Any]

    @property
    def file_name(self) -> str:
        """The name of its file, such as `stack.registered.v2.json`."""
        return f"{self.topic}.v{self.version}.json"


def event_schemas(aggregates: Aggregates) -> Iterator[EventSchema]:
    """The schemas of every version of every event that some aggregates declare.

    Args:
        aggregates: The declared aggregates.

    Returns:
        The schemas, sorted by topic and version.
    """
    events = {
        topic: event_class
        for each in aggregates.types()
        for topic, event_class in each.events.items()
    }
    for topic, event_class in sorted(events.items()):
        for version in range(1, event_class.class_version + 1):
            yield EventSchema(topic, version, _schema(event_class, version))


def write_schemas(aggregates: Aggregates, folder: Path) -> list[Path]:
    """Write the schemas to a folder, a file each; files of the same names are replaced.

    Args:
        aggregates: The declared aggregates.
        folder: The folder; it is created if it does not exist.

    Returns:
        The files.

    Raises:
        InvalidFile: A file cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in event_schemas(aggregates):
            path = folder / each.file_name
            path.write_bytes(orjson.dumps(each.schema, option=orjson.OPT_INDENT_2) + b"\n")
            written.append(path)
    except OSError as error:
        raise InvalidFile(str(folder), f"cannot be written: {error.strerror}") from error
    return written


def _schema(event_class: type[DomainEvent], version: int) -> Mapping[str, Any]:
    fields = _fields_of_version(event_class, version)
    schema = fields.model_json_schema()
    if fields is event_class:
        # The library derives classes from the events of base classes, without their docstrings.
        declared = next(each for each in fields.__mro__ if "TOPIC" in vars(each))
        schema = dict(sorted({**schema, "description": inspect.getdoc(declared)}.items()))
    properties = schema["properties"]
    for name in _COLUMNS:
        properties.pop(name)
    required = [name for name in schema["required"] if name not in _COLUMNS]
    properties |= _METADATA
    required.append("by")
    if version > 1:
        properties["class_version"] = {"const": version}
        required.append("class_version")
    schema["required"] = sorted(required)
    schema["properties"] = dict(sorted(properties.items()))
    _remove_titles(schema)
    definitions = schema.pop("$defs")
    del definitions["EventMetadata"]
    if definitions:
        schema["$defs"] = definitions
    title = f"{event_class.TOPIC}, version {version}"
    return {"$schema": DIALECT, "title": title, **schema}


def _remove_titles(schema: Any) -> None:
    """Remove the titles that pydantic makes of names, since they say nothing more."""
    if isinstance(schema, list):
        for each in schema:
            _remove_titles(each)
    elif isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for each in schema.values():
            _remove_titles(each)


def _fields_of_version(event_class: type[DomainEvent], version: int) -> type[DomainEvent]:
    """An event class with the fields that it had in a version."""
    changed: dict[str, Any] = {}
    for later in range(event_class.class_version - 1, version - 1, -1):
        changed |= event_class.EARLIER_FIELDS.get(later, {})
    if not changed:
        return event_class
    return create_model(event_class.__name__, __base__=event_class, **changed)
