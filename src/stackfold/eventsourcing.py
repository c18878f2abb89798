"""Everything that an aggregate of one's own needs, in the same log as stacks and runs.

It builds on the eventsourcing library: `Aggregate` and `DomainEvent` are its classes, extended.
"""

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.application.eventsourcing.aggregate_type import (
    AggregateReference,
    Aggregates,
    AggregateType,
)
from stackfold.application.eventsourcing.projection import (
    RowChange,
    Table,
    TableProjection,
    TemporalProjection,
)
from stackfold.application.eventsourcing.read_model import ReadModel, always_shown, shown
from stackfold.application.history.views import LogEvent
from stackfold.domain.eventsourcing.aggregate import Aggregate, Revertible
from stackfold.domain.eventsourcing.event import DomainEvent, FirstEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.infrastructure.eventstore.hash_chain import Head

__all__ = [
    "STACKFOLD_AGGREGATES",
    "Aggregate",
    "AggregateReference",
    "AggregateType",
    "Aggregates",
    "DomainEvent",
    "EventMetadata",
    "FirstEvent",
    "Head",
    "LogEvent",
    "ReadModel",
    "Revertible",
    "RowChange",
    "Table",
    "TableProjection",
    "TemporalProjection",
    "always_shown",
    "shown",
]
