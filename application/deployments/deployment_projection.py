"""Which deployments are there, and which were there at any position?"""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.deployments.deployment import Deployment


class DeploymentRow(NamedTuple):
    """A deployment at one revision."""

    name: str
    status: str
    """What the log knows of it; see `domain.deployments.deployment.Status`."""
    model: str
    artifact: dict[str, Any]
    store: dict[str, Any]
    stack: str
    stack_id: str
    stack_revision: str
    """A number, as text."""
    deployer: str
    """The name of the component."""
    flavor: str
    """Of the component."""
    component: dict[str, Any]
    """The model deployer as it was pinned."""
    reference: dict[str, Any] | None
    url: str
    error: str
    """Why it failed; empty if it did not."""


def fold(row: DeploymentRow | None, event: Deployment.Event) -> DeploymentRow | None:
    """What a deployment looks like after an event."""
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
        stack_revision=str(event.stack_revision),
        deployer=event.deployer.name,
        flavor=event.deployer.flavor,
        component=event.deployer.model_dump(mode="json"),
        reference=None,
        url="",
        error="",
    )


DEPLOYMENTS = TemporalProjection(
    table="deployments",
    kind="deployment",
    row=DeploymentRow,
    json=frozenset({"artifact", "store", "component", "reference"}),
    unique=("name",),
    fold=fold,
    events=frozenset(
        {
            Deployment.Registered,
            Deployment.StartRequested,
            Deployment.Started,
            Deployment.Failed,
            Deployment.Stopped,
            Deployment.Deleted,
        }
    ),
)
