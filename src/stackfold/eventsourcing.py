"""Aggregates of your own, projections and policies, in the same log as stacks and runs.

It builds on the eventsourcing library: `Aggregate` and `DomainEvent` are its classes, extended.
"""

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.application.eventsourcing.aggregate_type import AggregateReference, AggregateType
from stackfold.application.eventsourcing.custom_projection import Projection, ProjectionChange
from stackfold.application.eventsourcing.projection import (
    RowChange,
    Table,
    TableProjection,
    TemporalProjection,
)
from stackfold.application.eventsourcing.read_model import ReadModel, always_shown, shown
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.eventsourcing.unit_of_work import UnitOfWork
from stackfold.application.history.views import LogEvent
from stackfold.application.own_aggregates.collection import AggregateCollection
from stackfold.application.own_aggregates.queries import AggregateView
from stackfold.application.policies.policy import (
    Policy,
    ProposedChange,
    ProposedEvent,
    policy,
)
from stackfold.application.reactions.reaction import Delivery, Reaction, Retries, on
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.eventsourcing.aggregate import Aggregate, Revertible
from stackfold.domain.eventsourcing.event import DomainEvent, FirstEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.policies.enabled_policy import EnabledPolicy
from stackfold.domain.runs.run import Run
from stackfold.domain.stacks.activation import Activation
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.flavor import Flavor
from stackfold.domain.stacks.stack import Stack
from stackfold.infrastructure.eventstore.hash_chain import Head
from stackfold.infrastructure.reactions.webhook import webhook

__all__ = [
    "STACKFOLD_AGGREGATES",
    "Activation",
    "Aggregate",
    "AggregateCollection",
    "AggregateReference",
    "AggregateType",
    "AggregateView",
    "Aggregates",
    "Component",
    "Delivery",
    "Deployment",
    "DomainEvent",
    "EnabledPolicy",
    "EventMetadata",
    "FirstEvent",
    "Flavor",
    "Head",
    "LogEvent",
    "Policy",
    "Projection",
    "ProjectionChange",
    "ProposedChange",
    "ProposedEvent",
    "Reaction",
    "ReadModel",
    "Repository",
    "Retries",
    "Revertible",
    "RowChange",
    "Run",
    "Stack",
    "Table",
    "TableProjection",
    "TemporalProjection",
    "UnitOfWork",
    "always_shown",
    "on",
    "policy",
    "shown",
    "webhook",
]
