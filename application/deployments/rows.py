"""The read model of deployments."""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import ReadModel, shown


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
    stack_revision: int
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
