"""Creates the collection of the aggregates of one class."""

from typing import TYPE_CHECKING, TypeVar

from stackfold.domain.errors import InvalidAggregate

if TYPE_CHECKING:
    from stackfold.application.own_aggregates.collection import AggregateCollection
    from stackfold.domain.eventsourcing.aggregate import Aggregate
    from stackfold.infrastructure.services import Services

A = TypeVar("A", bound="Aggregate")

_UNDECLARED = (
    "it is not declared: give its AggregateType to Workspace.open(aggregates=[…]), or declare it "
    "by an entry point"
)


def collection(services: "Services", kind: type[A]) -> "AggregateCollection[A]":
    """As `Workspace.aggregates`.

    Raises:
        InvalidAggregate: The class is not declared, or has no read model.
    """
    from stackfold.application.own_aggregates.collection import AggregateCollection
    from stackfold.infrastructure.eventstore.packaged_read_models import PackagedReadModels
    from stackfold.infrastructure.queries.aggregates import SqlAggregateQueries

    topic = getattr(kind, "TOPIC", None)
    if not isinstance(topic, str):
        raise InvalidAggregate(repr(kind), "it is not a class derived from Aggregate")
    aggregates = services.database.aggregates
    if topic in aggregates.topics:
        raise InvalidAggregate(topic, "it belongs to Stackfold: the workspace has a service for it")
    declared = aggregates.type_of(topic)
    if declared is None or declared.topic != topic:
        raise InvalidAggregate(topic, aggregates.problem_of(topic) or _UNDECLARED)
    if declared.aggregate is not kind:
        raise InvalidAggregate(topic, f"it is declared by another class than {kind!r:.200}")
    if declared.projection is None:
        raise InvalidAggregate(topic, "it has no read model: use the repository, which takes ids")
    packaged = PackagedReadModels(services.database)
    return AggregateCollection(
        declared,
        declared.projection.read_model,
        services.repository,
        services.history,
        SqlAggregateQueries(services.database, packaged.require),
    )
