"""The read model of deployments."""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import ReadModel, shown


class DeploymentRow(NamedTuple):
    """A deployment at one revision."""

    name: str
    status: str
    """The recorded status; see `domain.deployments.deployment.Status`."""
    model: str
    artifact: dict[str, Any]
    store: dict[str, Any]
    stack: str
    stack_id: str
    stack_revision: int
    deployer: str
    """The name of the model deployer."""
    flavor: str
    """The flavor of the model deployer."""
    component: dict[str, Any]
    """The pinned model deployer."""
    reference: dict[str, Any] | None
    url: str
    error: str
    """The error of a failed deployment; otherwise empty."""


DEPLOYMENTS = ReadModel(
    topic="deployment",
    table="deployments",
    row=DeploymentRow,
    describe={
        each: shown(each)
        for each in (
            *("name", "model", "stack", "stack_revision"),
            *("deployer", "status", "url", "error"),
        )
    },
)
