"""Aggregate types: the declarations of aggregates, and the open set of them."""

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
"""(queries, the event, the row before it) → None; raises an error to forbid the event.

It is checked under the write lock, before the event is committed, so it can rely on the state of
other aggregates.
"""


class AggregateType:
    """The declaration of an aggregate, for loading, saving, projecting and reverting.

    Attributes:
        aggregate: The class, which declares the topic and the events.
        projection: How events change the read model; None if there is no read model.
        tables: How events change tables with one row per fact.
        constraints: Event class → the constraint among aggregates for such events.
        restore: The columns of the read model → the arguments of `__init__`, so that replays can
            start at a row; None to replay from the first event.
        revertible: Whether `undo` and `revert` apply to the aggregate.
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
        """Declare an aggregate; see the attributes of the class."""
        self.aggregate = aggregate
        self.topic = aggregate.TOPIC
        self.projection = projection
        self.tables = tables
        self.constraints = {each.TOPIC: check for each, check in (constraints or {}).items()}
        self.restore = restore
        self.revertible = revertible

    @cached_property
    def events(self) -> "Mapping[str, type[DomainEvent]]":
        """Topic → event class, for the events of the aggregate."""
        from stackfold.domain.eventsourcing.event import DomainEvent

        members = vars(self.aggregate).values()
        classes = (each for each in members if isinstance(each, type))
        return {
            each.TOPIC: each
            for each in classes
            if issubclass(each, DomainEvent) and "TOPIC" in vars(each)
        }


class AggregateReference(NamedTuple):
    """The locations of the two halves of a declaration, which are imported when needed.

    Each location is a text "module:NAME".
    """

    topic: str
    declaration: str
    """The location of the `AggregateType`, for writing."""
    read_model: str | None = None
    """The location of the `ReadModel`, for reading; None if there is none."""


class Aggregates:
    """An open set of aggregate types, each loaded when it is first needed."""

    def __init__(self, *references: AggregateReference) -> None:
        """Create a set.

        Args:
            *references: In the order in which read models are built, so that a table comes after
                those that it looks up values in.
        """
        self._references = {each.topic: each for each in references}
        self._types: dict[str, AggregateType] = {}
        self._read_models: dict[str, ReadModel] = {}
        self._event_classes: dict[str, type[DomainEvent]] = {}

    def with_types(self, *types: AggregateType) -> Self:
        """A copy of the set with further aggregate types.

        Raises:
            ValueError: Two types have the same topic.
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
            The declaration; None if there is none.
        """
        topic = topic.partition(".")[0]
        if topic not in self._types and topic in self._references:
            self._types[topic] = _load(self._references[topic].declaration)
        return self._types.get(topic)

    def event_class(self, topic: str) -> "type[DomainEvent] | None":
        """The class of the events of a topic; None if no aggregate type declares it."""
        event_class = self._event_classes.get(topic)
        if event_class is None and (found := self.type_of(topic)):
            event_class = found.events.get(topic)
            if event_class is not None:
                self._event_classes[topic] = event_class
        return event_class

    def types(self) -> Iterator[AggregateType]:
        """All aggregate types."""
        return (found for topic in self.topics if (found := self.type_of(topic)))

    def read_model(self, topic: str) -> ReadModel | None:
        """The read model of the aggregates of a topic; None if they have none."""
        if topic not in self._read_models and topic in self._references:
            location = self._references[topic].read_model
            if location is None:
                return None
            self._read_models[topic] = _load(location)
        return self._read_models.get(topic)

    def read_models(self) -> Iterator[ReadModel]:
        """All read models."""
        return (found for topic in self.topics if (found := self.read_model(topic)))


def _load(location: str) -> Any:
    module, _, name = location.partition(":")
    return getattr(import_module(module), name)
