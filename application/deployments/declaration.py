"""Declares deployments: how events change their read model, and how they are restored."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stackfold.application.deployments import rows
from stackfold.application.deployments.rows import DeploymentRow
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.deployments.release import FollowedAlias, Server
from stackfold.domain.deployments.rollout import Rollout
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import PinnedComponent


def apply(row: DeploymentRow | None, event: Deployment.Event) -> DeploymentRow | None:
    """The row of a deployment after an event."""
    match event, row:
        case Deployment.Registered(), None:
            return _registered(event)
        case Deployment.Deleted(), DeploymentRow():
            return None
        case Deployment.Followed(), DeploymentRow():
            rollout = Rollout.model_validate(row.rollout).caught_up(event.because)
            return _with(row._replace(follows=event.follows.model_dump(mode="json")), rollout)
        case Deployment.Unfollowed(), DeploymentRow():
            return row._replace(follows=None)
        case Deployment.RecordingChanged(), DeploymentRow():
            rollout = Rollout.model_validate(row.rollout).recorded(event.recording)
            return _with(row, rollout)
        case _, DeploymentRow():
            return _served(row, event)
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _served(row: DeploymentRow, event: Deployment.Event) -> DeploymentRow:
    """The row after an event of a start or update."""
    rollout = Rollout.model_validate(row.rollout)
    match event:
        case Deployment.StartRequested():
            row = row._replace(status="unfinished", url="", error="")
            return _with(row, rollout.unserved())
        case Deployment.Started():
            row = row._replace(status="started", url=event.url)
            first = Server(reference=event.reference, url=event.url)
            return _with(row, rollout.started(first, event.servers, event.gateway))
        case Deployment.Failed():
            return row._replace(status="failed", error=event.error)
        case Deployment.Stopped():
            return _with(row._replace(status="stopped", url=""), rollout.abandoned())
        case Deployment.UpdateRequested():
            row = row._replace(error="")
            return _with(row, rollout.requested(event.releases, event.previous, event.because))
        case Deployment.Switched():
            return _with(row, rollout.switched(event.servers))
        case Deployment.UpdateFailed():
            error = f"its last update failed: {event.error}"
            return _with(row._replace(error=error), rollout.abandoned())
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _with(row: DeploymentRow, rollout: Rollout) -> DeploymentRow:
    main, content = rollout.main, rollout.model_dump(mode="json")
    if rollout.recording is None:
        del content["recording"]  # as in rows of earlier versions
    return row._replace(
        model=main.model,
        artifact=main.artifact.model_dump(mode="json"),
        store=main.store.model_dump(mode="json"),
        reference=rollout.reference(str(main.server)),
        version=str(main.version or ""),
        traffic=rollout.traffic,
        rollout=content,
    )


def _registered(event: Deployment.Registered) -> DeploymentRow:
    row = DeploymentRow(
        name=event.name,
        status="unfinished",
        model=event.model,
        artifact={},
        store={},
        stack=event.stack,
        stack_id=str(event.stack_id),
        stack_revision=event.stack_revision,
        deployer=event.deployer.name,
        flavor=event.deployer.flavor,
        component=event.deployer.model_dump(mode="json"),
        reference=None,
        url="",
        error="",
        version="",
        traffic={},
        follows=None,
        rollout={},
    )
    rollout = Rollout.first(
        event.originator_id, event.model, event.artifact, event.store, event.version
    )
    return _with(row, rollout)


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
        "rollout": Rollout.model_validate(row["rollout"]),
        "follows": FollowedAlias.model_validate(row["follows"]) if row["follows"] else None,
    }


DEPLOYMENTS = AggregateType(
    Deployment, projection=TemporalProjection(rows.DEPLOYMENTS, apply), restore=restore
)
