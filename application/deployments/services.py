"""What the commands on deployments need beyond queries."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifacts import Artifacts
    from stackfold.application.deployments.deployers import Deployers
    from stackfold.application.deployments.gateways import Gateways
    from stackfold.application.deployments.request_store import RequestSpools, StoredBatches
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.stacks.stack_resolver import StackResolver


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

    @property
    def request_spools(self) -> "RequestSpools":
        """Contain the requests that gateways of this machine have recorded."""
        ...

    @property
    def stored_requests(self) -> "StoredBatches":
        """List the recorded requests in artifact stores."""
        ...

    @property
    def resolver(self) -> "StackResolver":
        """Pins stacks, and builds their components."""
        ...

    @property
    def artifacts(self) -> "Artifacts":
        """Saves tables of recorded requests."""
        ...

    def table(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Rows with the same keys as a frame of pandas; unchanged where it is not installed."""
        ...
