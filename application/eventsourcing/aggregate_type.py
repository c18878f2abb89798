"""Aggregate types: the declarations of aggregates."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

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
        version: The version of its read model: increment it when `projection` or `tables` compute
            other rows, so that the tables are built again. Stackfold's own have no version.
        package: The name of the distribution that declares it, for messages of programs without
            it; None to determine it from the module of the class.
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
        version: int = 1,
        package: str | None = None,
    ) -> None:
        """Declare an aggregate; see the attributes of the class."""
        self.aggregate = aggregate
        self.topic = aggregate.TOPIC
        self.projection = projection
        self.tables = tables
        self.constraints = {each.TOPIC: check for each, check in (constraints or {}).items()}
        self.restore = restore
        self.revertible = revertible
        self.version = version
        self.package = package

    @cached_property
    def events(self) -> "Mapping[str, type[DomainEvent]]":
        """Topic → event class, for the events of the aggregate, also those of its base classes."""
        from stackfold.domain.eventsourcing.event import DomainEvent
        from stackfold.domain.eventsourcing.topics import aggregate_topic

        names = {
            name: each.TOPIC
            for owner in reversed(self.aggregate.__mro__)
            for name, each in vars(owner).items()
            if isinstance(each, type) and issubclass(each, DomainEvent) and "TOPIC" in vars(each)
            if owner is self.aggregate or aggregate_topic(each.TOPIC) == self.topic
        }
        # The eventsourcing library derives a class from each event of a base class.
        return {topic: getattr(self.aggregate, name) for name, topic in names.items()}


class AggregateReference(NamedTuple):
    """The locations of the two halves of a declaration, which are imported when needed.

    Each location is a text "module:NAME".
    """

    topic: str
    declaration: str
    """The location of the `AggregateType`, for writing."""
    read_model: str | None = None
    """The location of the `ReadModel`, for reading; None if there is none."""
