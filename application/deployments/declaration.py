"""Declares deployments: how events change their read model, and how they are restored."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stackfold.application.deployments import rows
from stackfold.application.deployments.rows import DeploymentRow
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import PinnedComponent


def apply(row: DeploymentRow | None, event: Deployment.Event) -> DeploymentRow | None:
    """The row of a deployment after an event."""
    match event, row:
        case Deployment.Registered(), None:
            return _registered(event)
        case Deployment.StartRequested(), DeploymentRow():
            return row._replace(status="unfinished", reference=None, url="", error="")
        case Deployment.Started(), DeploymentRow():
            return row._replace(status="started", reference=event.reference, url=event.url)
        case Deployment.Failed(), DeploymentRow():
            return row._replace(status="failed", error=event.error)
        case Deployment.Stopped(), DeploymentRow():
            return row._replace(status="stopped", url="")
        case Deployment.Deleted(), DeploymentRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _registered(event: Deployment.Registered) -> DeploymentRow:
    return DeploymentRow(
        name=event.name,
        status="unfinished",
        model=event.model,
        artifact=event.artifact.model_dump(mode="json"),
        store=event.store.model_dump(mode="json"),
        stack=event.stack,
        stack_id=str(event.stack_id),
        stack_revision=event.stack_revision,
        deployer=event.deployer.name,
        flavor=event.deployer.flavor,
        component=event.deployer.model_dump(mode="json"),
        reference=None,
        url="",
        error="",
    )


def restore(row: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Deployment`, from a row."""
    return {
        "name": row["name"],
        "model": row["model"],
        "artifact": Artifact.model_validate(row["artifact"]),
        "store": PinnedComponent.model_validate(row["store"]),
        "stack_id": UUID(row["stack_id"]),
        "stack": row["stack"],
        "stack_revision": row["stack_revision"],
        "deployer": PinnedComponent.model_validate(row["component"]),
        "status": row["status"],
        "reference": row["reference"],
    }


DEPLOYMENTS = AggregateType(
    Deployment, projection=TemporalProjection(rows.DEPLOYMENTS, apply), restore=restore
)
