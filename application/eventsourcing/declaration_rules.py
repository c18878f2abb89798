"""Rules for the declarations of aggregates of other packages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stackfold.application.eventsourcing.aggregate_type import AggregateReference, AggregateType
from stackfold.domain.errors import InvalidAggregate
from stackfold.domain.eventsourcing.topics import (
    LONGEST_TOPIC,
    is_prefixed_aggregate,
    is_prefixed_event,
)

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.aggregate_set import Aggregates

_RESERVED = {"stackfold", "log"}
"""Prefixes that no other package may use, besides Stackfold's own topics."""
_LONGEST_TABLE = 40
"""The most characters in the name of a table: PostgreSQL cuts the names of its indexes at 63."""


def check(declared: object, known: "Aggregates") -> None:
    """Check a declaration before it is added to a set.

    Args:
        declared: A type or a reference.
        known: The set.

    Raises:
        InvalidAggregate: It is invalid, or the set has its topic or a table of it.
    """
    if isinstance(declared, AggregateReference):
        _check_topic(declared.topic, known)
    elif isinstance(declared, AggregateType):
        _check_topic(declared.topic, known)
        _check_type(declared, known)
    else:
        problem = "it is neither an AggregateType nor an AggregateReference"
        raise InvalidAggregate(repr(declared), problem)
    if declared.topic in known:
        raise InvalidAggregate(declared.topic, "it is declared twice: remove one declaration")


def check_loaded(topic: str, declared: object, known: "Aggregates") -> AggregateType:
    """Check a declaration that was loaded for a topic.

    Raises:
        InvalidAggregate: It is invalid, or has another topic.
    """
    if not isinstance(declared, AggregateType):
        raise InvalidAggregate(topic, f"its declaration is a {type(declared).__name__}")
    if declared.topic != topic:
        raise InvalidAggregate(topic, f"its declaration has the topic {declared.topic!r:.100}")
    _check_topic(topic, known)
    _check_type(declared, known)
    return declared


def _check_topic(topic: object, known: "Aggregates") -> None:
    if not isinstance(topic, str) or not is_prefixed_aggregate(topic):
        raise InvalidAggregate(
            str(topic),
            "its topic must be a prefix of your own and a noun, such as 'acme.approval': "
            f"lower-case letters, digits and _, at most {LONGEST_TOPIC} characters",
        )
    prefix = topic.partition(".")[0]
    if prefix in known.topics or prefix in _RESERVED:
        raise InvalidAggregate(topic, f"the prefix {prefix!r} belongs to Stackfold: use your own")


def _check_type(declared: AggregateType, known: "Aggregates") -> None:
    topic = declared.topic
    for each in declared.events:
        if not is_prefixed_event(each) or each.rpartition(".")[0] != topic:
            problem = f"the topic of its event {each!r:.100} must be '{topic}.' and one word"
            raise InvalidAggregate(topic, problem)
        if len(each) > LONGEST_TOPIC:
            problem = f"the topic of an event has at most {LONGEST_TOPIC} characters"
            raise InvalidAggregate(topic, problem)
    if not declared.events:
        raise InvalidAggregate(topic, "it declares no event with a TOPIC")
    version: object = declared.version
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version < 2**31:
        raise InvalidAggregate(topic, f"version={version!r:.100} must be a number from 1 on")
    _check_revertible(declared)
    if declared.projection and declared.projection.read_model.topic != topic:
        other = declared.projection.read_model.topic
        raise InvalidAggregate(topic, f"its read model has the topic {other!r:.100}")
    if declared.projection and declared.projection.read_model.name != "name":
        problem = "its read model needs a column 'name', as the last one of `unique`"
        raise InvalidAggregate(topic, problem)
    if declared.projection and declared.projection.read_model.kind:
        raise InvalidAggregate(topic, "its read model may not have a column with the kind")
    _check_tables(declared, known)


def _check_revertible(declared: AggregateType) -> None:
    from stackfold.domain.eventsourcing.aggregate import Revertible

    if declared.revertible and not issubclass(declared.aggregate, Revertible):
        problem = "it is declared revertible, so its class must be derived from Revertible"
        raise InvalidAggregate(declared.topic, problem)


def _check_tables(declared: AggregateType, known: "Aggregates") -> None:
    prefix = f"{declared.topic.partition('.')[0]}_"
    taken = {
        table: other.topic
        for other in known.loaded_prefixed_types
        if other.topic != declared.topic
        for table in table_names(other)
    }
    names = [*table_names(declared)]
    for name in names:
        if not name.startswith(prefix) or not name.isidentifier() or name != name.lower():
            raise InvalidAggregate(
                declared.topic, f"the name of its table {name!r:.100} must begin with {prefix!r}"
            )
        if len(name) > _LONGEST_TABLE:
            problem = f"the name of its table {name!r:.100} exceeds {_LONGEST_TABLE} characters"
            raise InvalidAggregate(declared.topic, problem)
        if name in taken or names.count(name) > 1:
            owner = taken.get(name, declared.topic)
            raise InvalidAggregate(declared.topic, f"its table {name!r} belongs to {owner!r}, too")


def table_names(declared: AggregateType) -> Iterator[str]:
    """The names of the tables of an aggregate type."""
    if declared.projection:
        yield declared.projection.read_model.table
    for projection in declared.tables:
        for table in projection.tables:
            yield table.name
