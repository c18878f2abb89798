"""DeploymentHealth: checks the status of deployments, many at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from stackfold.application.deployments.deployers import Deployers
from stackfold.application.deployments.gateways import Gateways
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports.model_deployer import Deployed, Health, ModelDeployer
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import StackfoldError

MAX_CONCURRENT = 16
"""The maximum number of servers that are checked at the same time."""

UNKNOWN = "unknown"
"""The status of a deployment that its model deployer cannot check."""


class Found(NamedTuple):
    """The status of a deployment at the time of a check."""

    status: str
    problem: str = ""
    """Why it is down, or why its status is unknown; otherwise empty."""


class DeploymentHealth:
    """Checks deployments."""

    def __init__(
        self, repository: Repository, deployers: Deployers, claims: Claims, gateways: Gateways
    ) -> None:
        """Create the service.

        Args:
            repository: Loads deployments.
            deployers: Builds the model deployers that check.
            claims: Shows which deployments are being started.
            gateways: Checks gateways.
        """
        self._repository = repository
        self._deployers = deployers
        self._claims = claims
        self._gateways = gateways

    def of(self, deployment: Deployment) -> Found:
        """Check a deployment that the caller has claimed, so that it is not being started."""
        if deployment.status != "started":
            return Found(deployment.status)
        return self._check(deployment)()

    def is_ready(self, deployment: Deployment, server: str) -> bool:
        """Whether one server of a deployment answers."""
        deployer = self._deployers.known(deployment.deployer)
        found = _checked(deployer, self._deployers.deployed(deployment, server))
        return found.status == Health.READY

    def all(self, recorded: Sequence[tuple[str, str]]) -> Sequence[Found]:
        """Check deployments.

        Args:
            recorded: The id and recorded status of each deployment.
        """
        checks: list[Callable[[], Found]] = []
        for id, status in recorded:
            if status == "started":
                checks.append(self._check(self._repository.load(Deployment, id)))
            else:
                checks.append(self._unchanged(id, status))
        if sum(status == "started" for _, status in recorded) < 2:
            return [check() for check in checks]
        with ThreadPoolExecutor(MAX_CONCURRENT) as threads:
            return [*threads.map(lambda check: check(), checks)]

    def _unchanged(self, id: str, status: str) -> Callable[[], Found]:
        if status == "unfinished" and self._claims.is_claimed(id):
            status = Health.STARTING.value
        return lambda: Found(status)

    def _check(self, deployment: Deployment) -> Callable[[], Found]:
        """Build the model deployer, and return a function that checks in any thread."""
        try:
            deployer = self._deployers.known(deployment.deployer)
        except StackfoldError as error:
            found = Found(UNKNOWN, str(error))
            return lambda: found
        rollout, id = deployment.rollout, str(deployment.id)
        servers = [
            (each.title, self._deployers.deployed(deployment, str(each.server)))
            for each in rollout.releases
        ]

        def check() -> Found:
            found = Found(Health.READY.value)
            for title, deployed in servers:
                found = _checked(deployer, deployed)
                if found.status != Health.READY:
                    of = f"{title}: " if found.problem and len(servers) > 1 else ""
                    return found._replace(problem=f"{of}{found.problem}")
            if rollout.gateway is None:
                return found
            return Found(*self._gateways.state(id, rollout.gateway))

        return check


def _checked(deployer: ModelDeployer, deployed: Deployed) -> Found:
    try:
        health = Health(deployer.health(deployed))
    except StackfoldError as error:
        return Found(UNKNOWN, redacted(str(error)))
    except Exception as error:  # raised by a custom flavor
        return Found(UNKNOWN, redacted(f"{type(error).__name__}: {error}"))
    return Found(health.value, _why_down(deployer, deployed) if health is Health.DOWN else "")


def _why_down(deployer: ModelDeployer, deployed: Deployed) -> str:
    try:
        return redacted(deployer.why_down(deployed))
    except Exception as error:  # raised by a custom flavor; the deployment is down anyway
        return redacted(" ".join(f"{type(error).__name__}: {error}".split()))
