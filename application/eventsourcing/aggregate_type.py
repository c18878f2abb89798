"""Aggregate type: the one declaration of an aggregate, from which everything else follows."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from stackfold.application.eventsourcing.read_model import ReadModel

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.projection import TableProjection, TemporalProjection
    from stackfold.domain.eventsourcing.aggregate import Aggregate
    from stackfold.domain.eventsourcing.event import DomainEvent

Constraint = Callable[[Any, Any, Any], None]
"""(queries, the event, the row before it) → None; raises what forbids the event.

It is checked under the write lock, before the event is committed, so it may look at other
aggregates.
"""


class AggregateType:
    """Everything that loading, saving, projecting and reverting need to know of an aggregate.

    Attributes:
        aggregate: Its class. Its topic and its events come from there.
        projection: How its events change its read model; None if it has none.
        tables: How its events change tables with one row per fact.
        constraints: Event class → what must hold among aggregates when it is recorded.
        restore: The columns of its read model → the arguments of its `__init__`, so that a row
            can be the start of a replay; None replays from the first event.
        revertible: Whether `undo` and `revert` apply to it.
    """

    def __init__(
        self,
        aggregate: "type[Aggregate]",
        *,
        projection: "TemporalProjection | None" = None,
        tables: "tuple[TableProjection, ...]" = (),
        constraints: "Mapping[type[DomainEvent], Constraint] | None" = None,
        restore: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
        revertible: bool = False,
    ) -> None:
        """Declare an aggregate."""
        self.aggregate = aggregate
        self.topic = aggregate.TOPIC
        self.projection = projection
        self.tables = tables
        self.constraints = {each.TOPIC: check for each, check in (constraints or {}).items()}
        self.restore = restore
        self.revertible = revertible

    @cached_property
    def events(self) -> "Mapping[str, type[DomainEvent]]":
        """Topic → event class, for the events that the aggregate's class declares."""
        from stackfold.domain.eventsourcing.event import DomainEvent

        members = vars(self.aggregate).values()
        classes = (each for each in members if isinstance(each, type))
        return {
            each.TOPIC: each
            for each in classes
            if issubclass(each, DomainEvent) and "TOPIC" in vars(each)
        }


class AggregateReference(NamedTuple):
    """Where the two halves of a declaration are, so that neither is imported before it is needed.

    Both are given as "module:NAME".
    """

    topic: str
    declaration: str
    """Its `AggregateType`; needed for writing."""
    read_model: str | None = None
    """Its `ReadModel`; needed for reading."""


class Aggregates:
    """An open set of aggregate types, each loaded when it is first needed."""

    def __init__(self, *references: AggregateReference) -> None:
        """Create a set.

        Args:
            *references: In the order in which read models are built: a table that looks up values
                in another one comes after it.
        """
        self._references = {each.topic: each for each in references}
        self._types: dict[str, AggregateType] = {}
        self._read_models: dict[str, ReadModel] = {}

    def with_types(self, *types: AggregateType) -> Self:
        """The same set, extended by aggregate types.

        Raises:
            ValueError: A topic is taken.
        """
        extended = type(self)(*self._references.values())
        extended._types, extended._read_models = dict(self._types), dict(self._read_models)
        for each in types:
            if each.topic in extended:
                raise ValueError(f"two aggregate types have the topic {each.topic!r}")
            extended._types[each.topic] = each
            if each.projection:
                extended._read_models[each.topic] = each.projection.read_model
        return extended

    def __contains__(self, topic: str) -> bool:
        return topic in self._references or topic in self._types

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of all aggregates."""
        return (*self._references, *(each for each in self._types if each not in self._references))

    def type_of(self, topic: str) -> AggregateType | None:
        """The aggregate type of an event, or of an aggregate.

        Args:
            topic: Such as "stack.updated", or "stack".

        Returns:
            Its declaration; None if there is none.
        """
        topic = topic.partition(".")[0]
        if topic not in self._types and topic in self._references:
            self._types[topic] = _load(self._references[topic].declaration)
        return self._types.get(topic)

    def event_class(self, topic: str) -> "type[DomainEvent] | None":
        """The class of the events of a topic; None if no aggregate type declares it."""
        found = self.type_of(topic)
        return found.events.get(topic) if found else None

    def types(self) -> Iterator[AggregateType]:
        """All aggregate types."""
        return (found for topic in self.topics if (found := self.type_of(topic)))

    def read_model(self, topic: str) -> ReadModel | None:
        """The read model of the aggregates of a topic; None if they have none."""
        if topic not in self._read_models and topic in self._references:
            place = self._references[topic].read_model
            if place is None:
                return None
            self._read_models[topic] = _load(place)
        return self._read_models.get(topic)

    def read_models(self) -> Iterator[ReadModel]:
        """All read models."""
        return (found for topic in self.topics if (found := self.read_model(topic)))


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
