"""What the commands on deployments need beyond queries."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stackfold.application.deployments.deployers import Deployers
    from stackfold.application.deployments.gateways import Gateways
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.eventsourcing.repository import Repository


class DeploymentServices(Protocol):
    """Services that are created on first use: importing them takes longer than a query."""

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def deployers(self) -> "Deployers":
        """Builds model deployers, and describes what they serve."""
        ...

    @property
    def gateways(self) -> "Gateways":
        """Starts and ends the gateways of deployments."""
        ...

    @property
    def claims(self) -> "Claims":
        """Knows which process starts, stops or deletes which deployment."""
        ...
