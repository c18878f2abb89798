"""Declares models and their versions: how events change their read models, and constraints."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from stackfold.application.artifacts.model_names import must_be_no_artifact
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.application.models import rows
from stackfold.application.models.rows import ModelRow, ModelVersionRow
from stackfold.application.stacks.queries import StackQueries
from stackfold.domain.errors import NotFound
from stackfold.domain.models.model import Model
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.models.target import Target, promoted, rolled_back, without

Move = Callable[[Mapping[str, Target], str, UUID, int], dict[str, Target]]
"""(aliases, alias, id of a version, its number) → the aliases after it."""


def apply_to_model(row: ModelRow | None, event: Model.Event) -> ModelRow | None:
    """The row of a model after an event."""
    match event, row:
        case Model.Registered(), None:
            return ModelRow(event.name, event.description, [*event.tags], {}, {}, dict(event.card))
        case Model.Restored(), None:
            return _as_it_was(event)
        case Model.Reverted(), ModelRow():
            return _as_it_was(event)
        case Model.Updated(), ModelRow():
            return row._replace(
                description=row.description if event.description is None else event.description,
                tags=row.tags if event.tags is None else [*event.tags],
                card=row.card if event.card is None else dict(event.card),
            )
        case Model.Promoted(), ModelRow():
            return row._replace(aliases=_moved(promoted, row, event))
        case Model.RolledBack(), ModelRow():
            return row._replace(aliases=_moved(rolled_back, row, event))
        case Model.AliasRemoved(), ModelRow():
            return row._replace(aliases=without(row.aliases, event.alias))
        case Model.GateSet(), ModelRow():
            rest = without(row.gates, event.alias)
            return row._replace(
                gates=rest if event.rule is None else {**rest, event.alias: event.rule}
            )
        case Model.PromotionRefused(), ModelRow():
            return row
        case Model.Renamed(), ModelRow():
            return row._replace(name=event.name)
        case Model.Deleted(), ModelRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _as_it_was(event: Model.Reverted) -> ModelRow:
    return ModelRow(
        event.name,
        event.description,
        [*event.tags],
        _plain(event.aliases),
        dict(event.gates),
        dict(event.card),
    )


def _moved(
    move: Move, row: ModelRow, event: Model.Promoted | Model.RolledBack
) -> dict[str, dict[str, Any]]:
    """The aliases after an event that lets one of them stand for another version."""
    targets = {alias: Target.model_validate(target) for alias, target in row.aliases.items()}
    return _plain(move(targets, event.alias, event.version, event.number))


def _plain(aliases: Mapping[str, Target]) -> dict[str, dict[str, Any]]:
    return {alias: target.model_dump(mode="json") for alias, target in aliases.items()}


def apply_to_version(
    row: ModelVersionRow | None, event: ModelVersion.Event
) -> ModelVersionRow | None:
    """The row of a model version after an event."""
    match event, row:
        case ModelVersion.Opened(), None:
            return _opened(event)
        case ModelVersion.Restored(), None:
            return _reverted(_opened(event), event)
        case ModelVersion.Reverted(), ModelVersionRow():
            return _reverted(row, event)
        case ModelVersion.Annotated(), ModelVersionRow():
            return row._replace(
                description=event.description, tags=[*event.tags], metadata=event.metadata
            )
        case ModelVersion.Published(), ModelVersionRow():
            there = {"registry": event.registry_name, "reference": event.reference}
            return row._replace(published={**row.published, str(event.registry): there})
        case ModelVersion.Withdrawn(), ModelVersionRow():
            return row._replace(published=without(row.published, str(event.registry)))
        case ModelVersion.Deleted(), ModelVersionRow():
            return None
        case _, ModelVersionRow() if type(event) in _STATUSES:
            return row._replace(status=_STATUSES[type(event)])
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


_STATUSES: Mapping[type, str] = {
    ModelVersion.Completed: "completed",
    ModelVersion.Abandoned: "abandoned",
    ModelVersion.Archived: "archived",
    ModelVersion.Unarchived: "completed",
}


def _opened(event: ModelVersion.Opened | ModelVersion.Restored) -> ModelVersionRow:
    return ModelVersionRow(
        model=str(event.model),
        name=event.name,
        number=event.number,
        status="open",
        run=str(event.run),
        stack=event.stack,
        stack_id=str(event.stack_id),
        stack_revision=event.stack_revision,
        description="",
        tags=[*event.tags],
        metadata={},
        label=event.label,
        published={},
    )


def _reverted(row: ModelVersionRow, event: ModelVersion.Reverted) -> ModelVersionRow:
    return row._replace(
        status=event.status,
        description=event.description,
        tags=[*event.tags],
        metadata=event.metadata,
    )


def name_must_be_free(
    queries: StackQueries, event: Model.Registered | Model.Renamed, row: ModelRow | None
) -> None:
    """Reject the name of an artifact."""
    must_be_no_artifact(partial(queries.has_name, "artifact"), event.name)


def version_must_exist(
    queries: StackQueries, event: Model.Promoted | Model.RolledBack, row: ModelRow
) -> None:
    """Reject that an alias stands for a version that was deleted."""
    _must_exist(queries, row.name, {str(event.version): event.number})


def versions_must_exist(queries: StackQueries, event: Model.Reverted, row: ModelRow | None) -> None:
    """Reject a past state in which an alias stands for a version that was deleted."""
    numbers = {str(target.version): target.number for target in event.aliases.values()}
    _must_exist(queries, event.name, numbers)
    must_be_no_artifact(partial(queries.has_name, "artifact"), event.name)


def _must_exist(queries: StackQueries, model: str, numbers: Mapping[str, int]) -> None:
    ids: Iterable[str] = numbers
    missing = {*ids} - queries.existing("model_version", [*ids]) if numbers else ()
    for id in missing:
        raise NotFound("model version", f"{model}@{numbers[id]}", "it was deleted")


MODELS = AggregateType(
    Model,
    projection=TemporalProjection(rows.MODELS, apply_to_model),
    constraints={
        Model.Registered: name_must_be_free,
        Model.Renamed: name_must_be_free,
        Model.Promoted: version_must_exist,
        Model.RolledBack: version_must_exist,
        Model.Reverted: versions_must_exist,
        Model.Restored: versions_must_exist,
    },
    revertible=True,
)
MODEL_VERSIONS = AggregateType(
    ModelVersion,
    projection=TemporalProjection(rows.MODEL_VERSIONS, apply_to_version),
    revertible=True,
)
